import type { BalancerName } from "../contract/balancer-name.ts";
import type { Balancer } from "./balancer.ts";
import { first } from "./first.ts";
import { leastRequest } from "./least-request.ts";
import type { BalancerOptions } from "./options.ts";
import { peakEwma } from "./peak-ewma.ts";
import { ringHash } from "./ring-hash.ts";
import { roundRobin } from "./round-robin.ts";
import { weighted } from "./weighted.ts";

/** By the names that contracts and service configs use. */
const factories: Readonly<Record<BalancerName, (options: BalancerOptions) => Balancer>> = {
  pick_first: first,
  round_robin: roundRobin,
  least_request: leastRequest,
  peak_ewma: peakEwma,
  weighted_round_robin: weighted,
  ring_hash: ringHash,
};

/**
 * The built-in balancer that a contract or a service config names, undefined
 * when it is none of them. gRPC's `_experimental` behind a name does not matter.
 */
export function namedBalancer(name: string, options: BalancerOptions = {}): Balancer | undefined {
  const plain = name.replace(/_experimental$/, "");
  return Object.hasOwn(factories, plain) ? factories[plain as BalancerName](options) : undefined;
}
