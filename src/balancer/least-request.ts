import { whole } from "../contract/kind.ts";
import type { Kinds } from "../contract/kind.ts";
import type { Balancer } from "./balancer.ts";
import { weighed } from "./candidates.ts";
import { draw } from "./draw.ts";
import { checkBalancer, withOptions } from "./options.ts";
import type { BalancerOptions } from "./options.ts";
import { chance } from "./sources.ts";

/** Options of {@link leastRequest}. */
export interface LeastRequestOptions extends BalancerOptions {
  /** How many peers are drawn for a call, 2 to 10; more counts as 10. Default 2. */
  readonly choiceCount?: number | undefined;
}

/** What they must be. */
export const leastRequestKinds: Kinds<Pick<LeastRequestOptions, "choiceCount">> = { choiceCount: whole(2) };

/**
 * The peer with the fewest running calls out of a few that are drawn at
 * random, with replacement (gRFC A48). Beyond A48, peers are drawn by weight,
 * and running calls count relative to it; for equal weights it is the same.
 * Throws a configuration error for a `choiceCount` below 2.
 */
export function leastRequest(options: LeastRequestOptions = {}): Balancer {
  checkBalancer("leastRequest", options, leastRequestKinds);
  const { random = chance(), choiceCount = 2 } = options;
  const choices = Math.min(10, choiceCount);
  return withOptions((all) => {
    const { peers, weights } = weighed(all);
    if (peers.length === 0) return () => undefined;
    const next = draw(weights, random);
    const perWeight = Float64Array.from(weights, (weight) => 1 / weight);
    return () => {
      let best = peers[0];
      let least = Infinity;
      for (let choice = 0; choice < choices; choice++) {
        const at = next();
        const peer = peers[at];
        const load = (peer?.inFlight ?? 0) * (perWeight[at] ?? 1);
        if (load >= least) continue;
        best = peer;
        least = load;
      }
      return best;
    };
  }, options);
}
