import { effectiveWeight } from "../contract/instance.ts";
import type { Peer } from "./balancer.ts";

/** Peers that may be picked, and how much of the calls each is to get. */
export interface Candidates {
  /** Those with a weight, or all when none has any. */
  readonly peers: readonly Peer[];
  /** Their weights in the same order, above 0. */
  readonly weights: readonly number[];
}

/** Peers by the weight that the registry gives them now, which is less in a warning. */
export function weighed(peers: readonly Peer[]): Candidates {
  return weighedBy(peers, ({ instance }) => effectiveWeight(instance));
}

/** Peers that count alike, except that those in a warning get that much less. */
export function warned(peers: readonly Peer[]): Candidates {
  return weighedBy(peers, ({ instance }) =>
    instance.health === "warning" ? Math.min(1, effectiveWeight(instance) / instance.weight) : 1,
  );
}

function weighedBy(peers: readonly Peer[], weight: (peer: Peer) => number): Candidates {
  const some = peers.filter((peer) => weight(peer) > 0);
  // A weight of 0 says "not if there are others". When there are none, it says nothing.
  return some.length === 0
    ? { peers, weights: peers.map(() => 1) }
    : { peers: some, weights: some.map(weight) };
}
