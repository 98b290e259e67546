import type { Balancer } from "./balancer.ts";
import { warned } from "./candidates.ts";
import { checkBalancer, withOptions } from "./options.ts";
import type { BalancerOptions } from "./options.ts";
import { chance } from "./sources.ts";
import { stride } from "./stride.ts";

/**
 * Each peer in turn. Every new set of peers starts at a random position, so
 * that many clients do not all begin with the same instance (gRPC's
 * `round_robin`). Weights do not matter, except that a peer in a warning gets
 * as much less as its warning weight is below its weight.
 */
export function roundRobin(options: BalancerOptions = {}): Balancer {
  checkBalancer("roundRobin", options, {});
  const { random = chance() } = options;
  return withOptions((all) => {
    const { peers, weights } = warned(all);
    if (peers.length === 0) return () => undefined;
    const next = stride(weights, random);
    return () => peers[next()];
  }, options);
}
