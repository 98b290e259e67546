import type { ConnectionOptions } from "node:tls";
import type { Interceptor } from "@connectrpc/connect";
import { maxTimerMs } from "./async/sleep.ts";
import type { Balancer } from "./balancer/balancer.ts";
import type { Channel, ChannelOptions } from "./channel/channel.ts";
import { balancerKind } from "./client/options.ts";
import type { ChannelPreference } from "./client/options.ts";
import type { Codec } from "./codec/codec.ts";
import type { Component } from "./component/component.ts";
import { elsewhere, flag, functions, list, notNegative, object, or, positive, whole } from "./contract/kind.ts";
import type { Kind, Kinds } from "./contract/kind.ts";
import { checkOptions, optionsOf } from "./contract/policy-source.ts";
import type { OpenApiOptions } from "./openapi/options.ts";
import type { ConcurrencyPolicy, PolicyOptions, Some } from "./contract/policy.ts";
import type { KeepaliveOptions } from "./protocol/keepalive.ts";
import type { Registry } from "./registry/registry.ts";
import type { RetryBudgetOptions } from "./resilience/budget.ts";
import type { OutlierOptions } from "./resilience/outlier-policy.ts";
import type { ServiceConfigJson } from "./resilience/service-config-json.ts";
import type { CorsOptions } from "./server/cors.ts";
import type { HttpOptions } from "./server/http.ts";
import type { DrainOptions, ListenOptions, ServerLimits } from "./server/options.ts";
import type { ValidateOptions } from "./validation/validate.ts";

/** Options of `createMesh`. */
export interface MeshOptions {
  /** Where instances are found and registered. Default: `registryFromEnv()`. */
  readonly registry?: Registry | undefined;
  /** What this process hosts. Default none: a mesh of clients. */
  readonly components?: readonly Component[] | undefined;
  /** Where to listen. Without it nothing does, and nothing is registered. */
  readonly listen?: ListenOptions | undefined;
  /** Every channel that clients can take. Default: `local`, `protobuf`, `json`, `msgpack`, `grpc`, `grpc-web`, `rest`. */
  readonly channels?: readonly Channel[] | undefined;
  /**
   * Formats that hosted components understand over the Connect protocol, by the
   * channels that they offer. Default: protobuf, JSON, MessagePack; the last two
   * know what may stand in a `google.protobuf.Any`: the well-known types, those
   * of `google.rpc`, and those of the files of every service that the mesh hosts
   * or makes a client of. So do the default `channels`.
   */
  readonly codecs?: readonly Codec[] | undefined;
  /**
   * Channel preference of clients that have none. Default: `local` for
   * services that are hosted here, `protobuf` for all others.
   */
  readonly channel?: ChannelPreference | undefined;
  /** Balancer of clients that have none. Default `peakEwma()`. */
  readonly balancer?: Balancer | undefined;
  /** Run once around each call of each client. Default none. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Deadline of calls for which nobody set one, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** Whether calls wait for an instance until their deadline. Default true. */
  readonly waitForReady?: boolean | undefined;
  /**
   * How calls are repeated where the contract does not say; false repeats only
   * what was not carried out. Default: as `docs/resilience.md` says.
   */
  readonly retry?: PolicyOptions["retry"];
  /** How calls are hedged where the contract does not say. Default false. */
  readonly hedging?: PolicyOptions["hedging"];
  /** A gRPC service config, as JSON: stronger than contracts, weaker than the options of clients. Default none. */
  readonly serviceConfig?: ServiceConfigJson | undefined;
  /** When instances whose calls fail get no more of them; false for never. Default: as `docs/resilience.md` says. */
  readonly outlier?: OutlierOptions | false | undefined;
  /** How many repetitions a client may add to its calls of a service. Default: a fifth of them, and ten a second. */
  readonly retryBudget?: RetryBudgetOptions | undefined;
  /**
   * Whether each instance is asked how it is, as `ClientOptions.healthCheck` has
   * it. Default false: registry, connections and answers tell.
   */
  readonly healthCheck?: string | boolean | undefined;
  /** How long connecting to an instance may take, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * How long a service that suddenly has no instances keeps the last known
   * ones, in milliseconds. Default 10000.
   */
  readonly emptyGraceMs?: number | undefined;
  /** TLS settings for instances at `https:` addresses. */
  readonly tls?: ConnectionOptions | undefined;
  /**
   * How a connection to an instance that is gone without a word is noticed, over
   * HTTP/2; an `intervalMs` below 10 s counts as 10 s (gRFC A8). Default: by what
   * the operating system says, which may take minutes.
   */
  readonly keepalive?: KeepaliveOptions | undefined;
  /**
   * HTTP/2 sessions to an instance over each channel at most: another one is
   * opened when all streams that the server allows are in use. Default 4.
   */
  readonly maxSessions?: number | undefined;
  /**
   * Bounds how many calls from outside the process run at the same time,
   * besides what contracts, components and `limits` say; with `adaptive` by how
   * long they take. Default: not bounded.
   */
  readonly concurrency?: Some<ConcurrencyPolicy> | undefined;
  /** Limits of the server and of messages. */
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Times of `mesh.close()`. */
  readonly drain?: Partial<DrainOptions> | undefined;
  /** How health is looked after. */
  readonly health?: HealthOptions | undefined;
  /**
   * Whether requests are checked against the protovalidate rules of their
   * contract before an implementation sees them, and how. Default true. Needs
   * `@bufbuild/protovalidate` where a contract has rules: `start()` fails
   * without it. With false only components that have `validate()` among their
   * interceptors check theirs.
   */
  readonly validate?: boolean | ValidateOptions | undefined;
  /**
   * Whether tools may ask for the services and their contracts
   * (`grpc.reflection.v1` and `v1alpha`). Default: unless the environment
   * variable `NODE_ENV` is `production`.
   */
  readonly reflection?: boolean | undefined;
  /**
   * Whether `/openapi.json` is served, and what is in it. Default: unless the
   * environment variable `NODE_ENV` is `production`.
   */
  readonly openapi?: boolean | OpenApiOptions | undefined;
  /**
   * Whether browsers let pages of other origins call what the mesh serves:
   * RPCs, REST, health and `/openapi.json`. True lets all of them, without
   * cookies. Default false: the mesh answers no preflight.
   */
  readonly cors?: boolean | CorsOptions | undefined;
  /**
   * Whether unary calls that need nothing unusual take the short way, on both
   * sides: the same answers, in a fraction of the time (see
   * `docs/performance.md`). False is for comparing. Default true.
   */
  readonly fastPath?: boolean | undefined;
  /** Options of the Fastify app behind `mesh.http`, such as `logger`. */
  readonly http?: HttpOptions | undefined;
}

/** How a mesh looks after the health of its components. */
export interface HealthOptions {
  /** Pause between two runs of the checks, in milliseconds. Default 5000. */
  readonly intervalMs?: number | undefined;
  /** Whether `/health` and `/readyz` show the messages of checks and registry. Default true. */
  readonly details?: boolean | undefined;
}

const flagOrOptions: Kind = { must: "true, false, or an object with options", holds: (value) => flag.holds(value) || object.holds(value) };

const kinds: Kinds<MeshOptions> = {
  registry: object,
  components: list,
  listen: object,
  channels: list,
  codecs: list,
  channel: elsewhere,
  balancer: balancerKind,
  interceptors: functions,
  timeoutMs: elsewhere,
  waitForReady: elsewhere,
  retry: elsewhere,
  hedging: elsewhere,
  serviceConfig: elsewhere,
  outlier: elsewhere,
  retryBudget: elsewhere,
  healthCheck: elsewhere,
  connectTimeoutMs: positive,
  emptyGraceMs: or(notNegative, Infinity),
  tls: object,
  keepalive: elsewhere,
  maxSessions: or(whole(1), Infinity),
  concurrency: elsewhere,
  limits: elsewhere,
  drain: elsewhere,
  health: elsewhere,
  validate: flagOrOptions,
  reflection: flag,
  openapi: flagOrOptions,
  cors: flagOrOptions,
  fastPath: flag,
  http: object,
};

const keepaliveKinds: Kinds<KeepaliveOptions> = {
  intervalMs: or(notNegative, Infinity),
  timeoutMs: positive,
  withoutCalls: flag,
};

/**
 * Throws a configuration error for an option of a mesh that there is not, or
 * that makes no sense, unless whoever reads it looks at it.
 */
export function checkMeshOptions(options: MeshOptions): void {
  const source = optionsOf("the mesh");
  checkOptions(source, "", options, kinds);
  checkOptions(source, "keepalive", options.keepalive, keepaliveKinds);
  checkOptions<HealthOptions>(source, "health", options.health, { intervalMs: positive, details: flag });
}

/** Shortest interval of a client's PINGs, in milliseconds (gRFC A8). */
const minKeepaliveMs = 10_000;

/** How a mesh with those options connects to instances. */
export function connectionSettings(
  options: MeshOptions,
  { readMaxBytes, writeMaxBytes }: ServerLimits,
): Omit<ChannelOptions, "onLost" | "hosted" | "cut"> {
  const { tls, keepalive, maxSessions, fastPath } = options;
  const connectTimeoutMs = Math.min(options.connectTimeoutMs ?? 5_000, maxTimerMs);
  const intervalMs = keepalive?.intervalMs;
  const asks = intervalMs === undefined ? keepalive : { ...keepalive, intervalMs: Math.max(minKeepaliveMs, intervalMs) };
  return { readMaxBytes, writeMaxBytes, connectTimeoutMs, tls, keepalive: asks, maxSessions, fastPath };
}
