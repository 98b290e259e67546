import type { ConnectionOptions } from "node:tls";
import type { Interceptor, Transport } from "@connectrpc/connect";
import type { Instance } from "../contract/instance.ts";
import { functions } from "../contract/kind.ts";
import { demand, optionsOf } from "../contract/policy-source.ts";
import type { CompressionName } from "../protocol/compression.ts";
import type { KeepaliveOptions } from "../protocol/keepalive.ts";
import type { Hosted } from "../protocol/hosted.ts";
import { tellingOwnFailures } from "../protocol/own-failures.ts";

/** What the mesh hands to a channel when it connects to an instance. */
export interface ChannelOptions {
  /** Largest response message, also after decompression, in bytes. */
  readonly readMaxBytes: number;
  /** Largest request message, in bytes. */
  readonly writeMaxBytes: number;
  /** How long connecting may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** TLS settings for `https:` addresses, as of `node:tls`. */
  readonly tls?: ConnectionOptions | undefined;
  /** How a dead connection is noticed. Default: by what the operating system says. */
  readonly keepalive?: KeepaliveOptions | undefined;
  /** Connections to the instance at most, for protocols that share one between calls. Default 4. */
  readonly maxSessions?: number | undefined;
  /**
   * Tells the mesh that the connection broke or is being ended by the other
   * side, so that the instance gets no more calls until it can be reached
   * again. A channel without connections never calls it.
   */
  readonly onLost: (error: unknown) => void;
  /** Aborts when the mesh no longer waits for running calls: end them and let go of everything. */
  readonly cut: AbortSignal;
  /** Whether unary calls that want nothing unusual take the short way. Default true. */
  readonly fastPath?: boolean | undefined;
  /** What this process hosts itself, for channels that need no wire. */
  readonly hosted: Hosted;
}

/** A `Transport` to one instance. Disposing of it lets running calls finish. */
export interface PeerTransport extends Transport, AsyncDisposable {
  /**
   * Optional: connects without a call. The mesh uses it to find out whether an
   * instance that was lost can be reached again; without it, a call finds out.
   */
  probe?(signal: AbortSignal): Promise<void>;
  /**
   * Optional: whether unary calls end by themselves when their `timeoutMs` is
   * over, with `deadline_exceeded`. Without it the mesh watches each call itself,
   * which costs more.
   */
  readonly endsAtDeadline?: boolean | undefined;
}

/** Options that every built-in channel takes. */
export interface ChannelInit {
  /** Run around each attempt over this channel, inside those of the mesh and the client. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /**
   * Compresses requests, and asks for compressed answers. Default: both are sent
   * as they are, which is faster wherever the network is.
   */
  readonly compression?: CompressionName | undefined;
  /** Smallest request that is compressed, in bytes. Default 1024. */
  readonly compressMinBytes?: number | undefined;
}

/** Options of channels that more than one version of HTTP can carry. */
export interface HttpVersionInit {
  /**
   * Version of HTTP. `1.1` is for servers and proxies that know nothing newer: it
   * takes a connection for each running call, and methods that stream in both
   * directions are `unimplemented`. Default `2`.
   */
  readonly httpVersion?: "2" | "1.1" | undefined;
}

/**
 * One way to speak to an instance. `connect` must not wait or throw when the
 * instance is down: it connects with the first call, and again after a loss.
 */
export interface Channel {
  /** Name, as in `Instance.channels` and in a preference. */
  readonly name: string;
  /** Makes a transport to the instance's address for this channel. */
  connect(instance: Instance, options: ChannelOptions): PeerTransport;
}

/**
 * The interceptors that a channel was given, whose own failures are not taken for
 * those of an instance. Throws a configuration error for what is no list of functions.
 */
export function interceptorsOf(channel: string, { interceptors = [] }: ChannelInit): readonly Interceptor[] {
  demand(optionsOf(`the channel ${channel}`), "interceptors", interceptors, functions);
  return tellingOwnFailures(interceptors);
}

/** The address of an instance for a channel. Throws when the instance does not offer it. */
export function addressOf(instance: Instance, channel: string): string {
  const address = instance.channels[channel];
  if (address === undefined) {
    throw new TypeError(`instance ${instance.id} does not offer the channel ${channel}`);
  }
  return address;
}
