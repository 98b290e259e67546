import type { DescMethod } from "@bufbuild/protobuf";
import type { CallInfo } from "../balancer/balancer.ts";
import type { Channel } from "../channel/channel.ts";
import type { Policy } from "../contract/policy.ts";
import { Quantile } from "../resilience/quantile.ts";
import type { RetryGuard } from "../resilience/retry-guard.ts";
import type { Cluster } from "./cluster.ts";
import type { Member } from "./member.ts";

/** What a {@link MethodRoute} is made of. */
export interface MethodRouteInit {
  readonly method: DescMethod;
  readonly policy: Policy;
  /** Bounds the repetitions of all calls of the client to the service. */
  readonly guard: RetryGuard;
  /** This process, when it hosts the service. */
  readonly local: Member | undefined;
  /** The instances that the registry knows. Watched from the first call that may leave the process. */
  readonly cluster: () => Cluster;
  /** What calls take that ask for nothing else. */
  readonly channel: () => Channel | undefined;
}

/** How the calls of one client to one method are made, worked out once. */
export class MethodRoute {
  readonly method: DescMethod;
  readonly policy: Policy;
  readonly guard: RetryGuard;
  readonly local: Member | undefined;
  readonly cluster: () => Cluster;
  /** Whether a call needs nothing but a peer: neither copies of itself nor a key. */
  readonly plain: boolean;
  readonly #channelOf: () => Channel | undefined;
  #channel: Channel | undefined;
  /** The same for all calls without a key. */
  readonly #info: CallInfo;
  #latency: Quantile | undefined;

  constructor({ method, policy, guard, local, cluster, channel }: MethodRouteInit) {
    this.method = method;
    this.policy = policy;
    this.guard = guard;
    this.local = local;
    this.cluster = cluster;
    this.plain = policy.hedging === false && policy.hashKey === undefined;
    this.#channelOf = channel;
    this.#info = { method };
  }

  /** How long attempts take, for hedging at the p95. */
  get latency(): Quantile {
    return (this.#latency ??= new Quantile());
  }

  /** The peer of a call that wants nothing unusual; undefined when there is none at once. */
  pick(): Member | undefined {
    const channel = (this.#channel ??= this.#channelOf());
    if (channel === undefined) return undefined;
    if (channel.name === "local" && this.local !== undefined) return this.local;
    return this.cluster().pick(channel, this.#info, undefined);
  }
}
