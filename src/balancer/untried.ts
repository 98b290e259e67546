import type { Peer } from "./balancer.ts";

/** The first of some peers, from a position on and around, that was not tried. Undefined when all were. */
export function untried<P extends Peer>(
  peers: readonly P[],
  tried: ReadonlySet<Peer>,
  from: number = 0,
): P | undefined {
  for (let step = 0; step < peers.length; step++) {
    const peer = peers[(from + step) % peers.length];
    if (peer !== undefined && !tried.has(peer)) return peer;
  }
  return undefined;
}
