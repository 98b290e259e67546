import type { CallOptions, Interceptor } from "@connectrpc/connect";
import { createContextKey, createContextValues } from "@connectrpc/connect";
import type { ContextKey } from "@connectrpc/connect";
import type { Balancer } from "../balancer/balancer.ts";

/**
 * Which channel calls take: one name, or names in order of preference. A
 * later name is used when no instance offers an earlier one; that is an event.
 */
export type ChannelPreference = string | readonly string[];

/** What one call may set for itself. */
export interface PerCallOptions {
  /** Default: the client's. */
  readonly channel?: ChannelPreference | undefined;
  /** Default: the client's. */
  readonly waitForReady?: boolean | undefined;
}

/** Options of a client. */
export interface ClientOptions extends PerCallOptions {
  /**
   * Default: the mesh's; without one, `local` for services that are hosted in
   * this process and `protobuf` for all others.
   */
  readonly channel?: ChannelPreference | undefined;
  /**
   * Whether a call waits, until its deadline, for an instance that can be
   * reached. Without it such a call fails at once with `unavailable`. Default true.
   */
  readonly waitForReady?: boolean | undefined;
  /** Chooses the instance of each call. Default: the mesh's. */
  readonly balancer?: Balancer | undefined;
  /** Deadline of each call in milliseconds, over the contract's. Default: the contract's, else the mesh's. */
  readonly timeoutMs?: number | undefined;
  /** Run once around each call, inside those of the mesh. Default none. */
  readonly interceptors?: readonly Interceptor[] | undefined;
}

const perCall: ContextKey<PerCallOptions> = createContextKey<PerCallOptions>(
  {},
  { description: "connect-mesh call options" },
);

/**
 * Options of one call, with those that only a mesh has:
 * `greet.greet(request, callOptions({ channel: "grpc", timeoutMs: 500 }))`.
 */
export function callOptions(options: CallOptions & PerCallOptions): CallOptions {
  const { channel, waitForReady, ...plain } = options;
  const contextValues = plain.contextValues ?? createContextValues();
  contextValues.set(perCall, { channel, waitForReady });
  return { ...plain, contextValues };
}

/** What {@link callOptions} left for the mesh. */
export function perCallOptions(values: CallOptions["contextValues"]): PerCallOptions {
  return values?.get(perCall) ?? {};
}
