import type { Balancer } from "./balancer.ts";
import { first } from "./first.ts";
import { leastRequest } from "./least-request.ts";
import type { BalancerOptions } from "./options.ts";
import { peakEwma } from "./peak-ewma.ts";
import { ringHash } from "./ring-hash.ts";
import { roundRobin } from "./round-robin.ts";
import { weighted } from "./weighted.ts";

/** What contracts and service configs call the built-in balancers; names of gRPC where gRPC has one. */
const factories: Readonly<Record<string, (options: BalancerOptions) => Balancer>> = {
  pick_first: first,
  round_robin: roundRobin,
  least_request: leastRequest,
  peak_ewma: peakEwma,
  weighted_round_robin: weighted,
  ring_hash: ringHash,
};

/** The names that {@link namedBalancer} knows. */
export const balancerNames: readonly string[] = Object.keys(factories);

/**
 * The built-in balancer that a contract or a service config names, undefined
 * when it is none of them. gRPC's `_experimental` behind a name does not matter.
 */
export function namedBalancer(name: string, options: BalancerOptions = {}): Balancer | undefined {
  const plain = name.replace(/_experimental$/, "");
  return Object.hasOwn(factories, plain) ? factories[plain]?.(options) : undefined;
}
