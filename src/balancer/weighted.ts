import type { Balancer } from "./balancer.ts";
import { weighed } from "./candidates.ts";
import { checkBalancer, withOptions } from "./options.ts";
import type { BalancerOptions } from "./options.ts";
import { chance } from "./sources.ts";
import { stride } from "./stride.ts";

/**
 * Each peer in turn, as often as its weight in the registry says: gRPC's
 * `weighted_round_robin` (gRFC A58) with weights that are configured instead of
 * reported. A weight of 0 means no calls while others have some.
 */
export function weighted(options: BalancerOptions = {}): Balancer {
  checkBalancer("weighted", options, {});
  const { random = chance() } = options;
  return withOptions((all) => {
    const { peers, weights } = weighed(all);
    if (peers.length === 0) return () => undefined;
    const next = stride(weights, random);
    return () => peers[next()];
  }, options);
}
