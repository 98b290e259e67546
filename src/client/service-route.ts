import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Balancer } from "../balancer/balancer.ts";
import type { Channel } from "../channel/channel.ts";
import { mergePolicy } from "../contract/merge-policy.ts";
import { methodInfo } from "../contract/method.ts";
import type { Policy, PolicyOptions } from "../contract/policy.ts";
import { RetryBudget } from "../resilience/budget.ts";
import { RetryGuard } from "../resilience/retry-guard.ts";
import { RetryThrottle } from "../resilience/throttle.ts";
import { balancerOf, configuredBalancer } from "./balancer-of.ts";
import type { Cluster } from "./cluster.ts";
import type { Member } from "./member.ts";
import { MethodRoute } from "./method-route.ts";
import type { ClientRuntime } from "./runtime.ts";
import type { CallSettings } from "./settings.ts";

/** What a client asks for, with what its mesh says already in it. */
export interface ClientPlan extends CallSettings {
  readonly runtime: ClientRuntime;
  /** The client's own balancer, which wins over those that contract and service config name. */
  readonly balancer: Balancer | undefined;
}

/** Where the calls of one client to one service can go. */
export class ServiceRoute {
  readonly #service: DescService;
  readonly #plan: ClientPlan;
  readonly #local: Member | undefined;
  readonly #channel: () => Channel | undefined;
  /** By the name of their balancer; the client's has none. */
  readonly #clusters = new Map<string | undefined, Cluster>();
  #guard: RetryGuard | undefined;

  /** @param channel what calls take that ask for nothing else */
  constructor(
    service: DescService,
    plan: ClientPlan,
    local: Member | undefined,
    channel: () => Channel | undefined,
  ) {
    this.#service = service;
    this.#plan = plan;
    this.#local = local;
    this.#channel = channel;
  }

  /** Works out how calls to a method are made. Throws when contract, service config and options do not fit. */
  method(method: DescMethod): MethodRoute {
    const policy = this.policy(method);
    // A name that nobody has is an error here, not at the first call that leaves the process.
    const balancer = this.#balancer(policy);
    const name = balancer === undefined ? undefined : policy.balancer;
    let cluster: Cluster | undefined;
    return new MethodRoute({
      method,
      policy,
      guard: (this.#guard ??= this.#makeGuard(method)),
      local: this.#local,
      cluster: () => (cluster ??= this.#cluster(name, balancer)),
      channel: this.#channel,
    });
  }

  /** The policy of a method's calls, or of one that has options of its own. */
  policy(method: DescMethod, call?: PolicyOptions): Policy {
    const { runtime, policy, config } = this.#plan;
    return mergePolicy(method, {
      mesh: runtime.settings.policy,
      config: config?.layerFor(method),
      client: policy,
      call,
    });
  }

  /** The balancer that service config or contract name, when the client has none of its own. */
  #balancer({ balancer }: Policy): Balancer | undefined {
    const { config, balancer: own } = this.#plan;
    if (own !== undefined || balancer === undefined) return undefined;
    if (config?.balancer !== undefined) return configuredBalancer(config.balancer);
    return balancerOf(balancer, `the contract of ${this.#service.typeName}`);
  }

  #cluster(name: string | undefined, balancer: Balancer | undefined): Cluster {
    let cluster = this.#clusters.get(name);
    if (cluster === undefined) {
      const { runtime, balancer: own, outlier, healthCheck } = this.#plan;
      const healthService = healthCheck === true ? this.#service.typeName : healthCheck === false ? undefined : healthCheck;
      cluster = runtime.cluster(this.#service, balancer ?? own, { outlier, healthService });
      this.#clusters.set(name, cluster);
    }
    return cluster;
  }

  #makeGuard(method: DescMethod): RetryGuard {
    const { config, retryBudget } = this.#plan;
    const throttle = config?.throttle ?? methodInfo(method).throttle;
    return new RetryGuard(new RetryBudget(retryBudget), throttle && new RetryThrottle(throttle));
  }
}
