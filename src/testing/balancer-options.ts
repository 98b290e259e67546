import type { Balancer } from "../balancer/balancer.ts";

/** Where a balancer that is tested takes chance and time from. */
export interface TestSources {
  /** Chance, from 0 to below 1; the same in every run. */
  readonly random: () => number;
  /** Time in milliseconds, which a case moves on. */
  readonly now: () => number;
}

/** Options of `testBalancer`: the balancer, and what it promises beyond what all must do. */
export interface TestBalancerOptions {
  /**
   * Makes the balancer. One that leaves anything to chance or looks at the clock
   * should take both from here, so that a failure can be repeated.
   */
  readonly create: (sources: TestSources) => Balancer;
  /**
   * How calls are spread over idle peers: `even`, the same for each but less for
   * one in a warning; `weight`, as the weights say; `any` promises nothing.
   * Default `even`.
   */
  readonly spread?: "even" | "weight" | "any" | undefined;
  /** How far shares may be off beyond chance, relative to what they should be. Default 0. */
  readonly tolerance?: number | undefined;
  /** Whether peers with fewer running calls are preferred. Default false. */
  readonly avoidsBusy?: boolean | undefined;
  /** Whether calls with the same `hashKey` stay with a peer. Default false. */
  readonly keyed?: boolean | undefined;
  /** Whether new peers get fewer calls at first. Default false. */
  readonly warmsUp?: boolean | undefined;
}
