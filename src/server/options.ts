import type { TlsOptions } from "node:tls";
import { maxTimerMs } from "../async/sleep.ts";
import { between, notNegative, or, positive, whole } from "../contract/kind.ts";
import type { Kind, Kinds } from "../contract/kind.ts";
import { checkOptions, optionsOf } from "../contract/policy-source.ts";
import type { ServerTls } from "./server-tls.ts";

/** Limits of a server, all on by default. */
export interface ServerLimits {
  /** Largest request message, also after decompression, in bytes. Default 4 MiB. */
  readonly readMaxBytes: number;
  /** Largest response message, in bytes. Default 4 MiB. */
  readonly writeMaxBytes: number;
  /**
   * Concurrent calls on one HTTP/2 connection. Default 100. For each of them a
   * connection may hold 1 MiB of messages that are on their way.
   */
  readonly maxConcurrentStreams: number;
  /** Size of a request's headers, in bytes. Default 16 KiB. */
  readonly maxHeaderBytes: number;
  /** Number of a request's headers over HTTP/2. Default 100. */
  readonly maxHeaderPairs: number;
  /** Longest deadline of a unary call, in milliseconds; longer ones are cut. Default 5 minutes. */
  readonly maxTimeoutMs: number;
  /** Deadline of a unary call that brings none, in milliseconds. Default 30 s. */
  readonly defaultTimeoutMs: number;
  /**
   * Time for a connection to say which protocol it speaks, a TLS handshake
   * included, in milliseconds. Default 10 s.
   */
  readonly firstBytesTimeoutMs: number;
  /** Time for the headers of an HTTP/1.1 request, in milliseconds. Default 10 s. */
  readonly headersTimeoutMs: number;
  /** Time for a whole HTTP/1.1 request, in milliseconds. Default 5 minutes. */
  readonly requestTimeoutMs: number;
  /** Connections at the same time; more are closed as they come. Default 10000. */
  readonly maxConnections: number;
  /**
   * Open connections from one address at most, so that one caller cannot take
   * all of them. More are closed as they come. Give `Infinity` behind a proxy,
   * from which all connections come. Default 1000: a caller over HTTP/1.1 needs
   * one for each running call.
   */
  readonly maxConnectionsPerAddress: number;
  /**
   * Handlers that run at the same time for callers outside the process; calls
   * beyond get `resource_exhausted` and a time to come back. Default 1024.
   */
  readonly maxRunningCalls: number;
  /**
   * The same for one connection. A call counts until its handler is done, also
   * when its caller gave it up. Default: `maxConcurrentStreams`.
   */
  readonly maxConnectionCalls: number | undefined;
  /**
   * Requests of an HTTP/2 connection that may be reset, by either side, within a
   * second of their beginning: so many at once, as many a second, and one more
   * for each that is answered. Beyond that the connection is ended. Default 500.
   */
  readonly maxStreamResets: number;
  /**
   * Pause between two PINGs of a caller, in milliseconds. One that asks more
   * often three times in a row, with nothing answered meanwhile, is turned away.
   * Default 5000.
   */
  readonly minPingIntervalMs: number;
  /**
   * How long an answer may wait without anything of it being read, in
   * milliseconds: then its connection, or over HTTP/2 its request, is ended. For
   * unary calls over HTTP/2 the time begins at the call's deadline. Default 1 minute.
   */
  readonly slowAnswerTimeoutMs: number;
  /**
   * How long nothing may move on a stream over HTTP/2 whose request is not
   * complete, or whose answers are not read, in milliseconds. Default 5 minutes.
   */
  readonly idleStreamTimeoutMs: number;
  /** How long an HTTP/2 connection without calls is kept, in milliseconds. Default 15 minutes. */
  readonly idleConnectionTimeoutMs: number;
  /**
   * How long an HTTP/2 connection is kept, give or take a tenth, in
   * milliseconds; what runs on it finishes. Default `Infinity`.
   */
  readonly maxConnectionAgeMs: number;
  /**
   * Silence after which a caller with running calls is asked for a sign of life
   * over HTTP/2, in milliseconds. Default 2 hours (gRFC A8).
   */
  readonly keepaliveIntervalMs: number;
  /** How long the answer to that may take, in milliseconds. Default 20 s. */
  readonly keepaliveTimeoutMs: number;
}

/** The defaults of {@link ServerLimits}. */
export const defaultLimits: ServerLimits = {
  readMaxBytes: 4 * 1024 * 1024,
  writeMaxBytes: 4 * 1024 * 1024,
  maxConcurrentStreams: 100,
  maxHeaderBytes: 16 * 1024,
  maxHeaderPairs: 100,
  maxTimeoutMs: 300_000,
  defaultTimeoutMs: 30_000,
  firstBytesTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 300_000,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 1_000,
  maxRunningCalls: 1_024,
  maxConnectionCalls: undefined,
  maxStreamResets: 500,
  minPingIntervalMs: 5_000,
  slowAnswerTimeoutMs: 60_000,
  idleStreamTimeoutMs: 300_000,
  idleConnectionTimeoutMs: 900_000,
  maxConnectionAgeMs: Infinity,
  keepaliveIntervalMs: 7_200_000,
  keepaliveTimeoutMs: 20_000,
};

/** What counts no further than so many: `Infinity` is no limit. */
const count: Kind = or(whole(1), Infinity);

/** What is told to Node or to other sides in 32 bits. */
const bytes: Kind = whole(1, 2 ** 32 - 1);

/** What a timer of Node holds: a longer one would end at once. */
const time: Kind = { ...between(Number.MIN_VALUE, maxTimerMs), must: `above 0, and at most ${maxTimerMs}` };

/** What is only compared: `Infinity` is never. */
const age: Kind = or(positive, Infinity);

const limitKinds: Kinds<ServerLimits> = {
  readMaxBytes: bytes,
  writeMaxBytes: bytes,
  maxConcurrentStreams: whole(1, 2 ** 31 - 1),
  maxHeaderBytes: bytes,
  maxHeaderPairs: bytes,
  maxTimeoutMs: time,
  defaultTimeoutMs: time,
  firstBytesTimeoutMs: time,
  // Node takes no parts of these.
  headersTimeoutMs: whole(1),
  requestTimeoutMs: whole(1),
  maxConnections: count,
  maxConnectionsPerAddress: count,
  maxRunningCalls: count,
  maxConnectionCalls: count,
  maxStreamResets: count,
  minPingIntervalMs: notNegative,
  slowAnswerTimeoutMs: time,
  idleStreamTimeoutMs: time,
  idleConnectionTimeoutMs: age,
  maxConnectionAgeMs: age,
  keepaliveIntervalMs: age,
  keepaliveTimeoutMs: positive,
};

/** The limits of a server. Throws a configuration error for one that makes no sense, or that there is not. */
export function serverLimits(options: Partial<ServerLimits> | undefined): ServerLimits {
  checkOptions(optionsOf("the mesh"), "limits", options, limitKinds);
  return { ...defaultLimits, ...withoutUndefined(options) };
}

/**
 * TLS of a server, as of `node:tls`: `cert` and `key`, or `pfx`. Which HTTP
 * version a connection speaks is agreed in the handshake (ALPN, RFC 7301), so
 * that is not for options to say. TLS 1.1 and older are never spoken (RFC 8996).
 */
export interface ServerTlsOptions
  extends Omit<
    TlsOptions,
    | "ALPNCallback"
    | "ALPNProtocols"
    | "handshakeTimeout"
    | "maxVersion"
    | "minVersion"
    | "secureProtocol"
  > {
  /** Oldest version that is spoken. Default `TLSv1.2`. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
}

/** Where a server listens, and how others reach it. */
export interface ListenOptions {
  /** Port to bind; 0 takes a free one. Default 0. */
  readonly port?: number | undefined;
  /** Host to bind. Default `127.0.0.1`; use `0.0.0.0` or `::` to be reached from other machines. */
  readonly host?: string | undefined;
  /** Path of a unix socket to bind instead of a host and port. */
  readonly path?: string | undefined;
  /**
   * Speaks TLS, and nothing else, on the port. `requestCert` with `ca` lets in
   * only callers with a certificate of that authority. `serverTls` makes TLS
   * whose certificates can be renewed while the mesh runs. Default: no TLS.
   */
  readonly tls?: ServerTlsOptions | ServerTls | undefined;
  /** What the registry tells others, when it differs from what is bound: a NAT, a container. */
  readonly advertise?:
    | { readonly host?: string | undefined; readonly port?: number | undefined }
    | undefined;
}

/** How `mesh.close()` goes about it. */
export interface DrainOptions {
  /**
   * Time between deregistering and refusing new connections, in milliseconds,
   * so that callers hear of it first. Default 2000; 0 when nothing listens.
   */
  readonly drainDelayMs: number;
  /** Time for running calls to finish, in milliseconds. Default 20000. */
  readonly graceMs: number;
  /** Time for the registry to take the deregistration, in milliseconds. Default 3000. */
  readonly deregisterTimeoutMs: number;
}

/** The defaults of {@link DrainOptions}. */
export const defaultDrain: DrainOptions = {
  drainDelayMs: 2_000,
  graceMs: 20_000,
  deregisterTimeoutMs: 3_000,
};

const drainKinds: Kinds<DrainOptions> = { drainDelayMs: notNegative, graceMs: notNegative, deregisterTimeoutMs: notNegative };

/** How a mesh is closed. Throws a configuration error for a time that makes no sense, or that there is not. */
export function drainOptions(options: Partial<DrainOptions> | undefined): DrainOptions {
  checkOptions(optionsOf("the mesh"), "drain", options, drainKinds);
  const { drainDelayMs, graceMs, deregisterTimeoutMs } = { ...defaultDrain, ...withoutUndefined(options) };
  return { drainDelayMs, graceMs: timer(graceMs), deregisterTimeoutMs: timer(deregisterTimeoutMs) };
}

/** Signals that abort by themselves take whole numbers, and no more than timers hold. */
function timer(ms: number): number {
  return Math.min(Math.ceil(ms), maxTimerMs);
}

/** What is undefined is not said: it leaves the default. */
function withoutUndefined<T extends object>(options: T | undefined): Partial<T> {
  const set = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as Partial<T>;
}
