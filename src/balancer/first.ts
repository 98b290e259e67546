import type { Balancer } from "./balancer.ts";
import { untried } from "./untried.ts";

/**
 * Every call goes to the first peer, in order of instance id, and to the next
 * one only after it was tried: for tests and fixed primaries. It looks at
 * nothing else, not even at warnings.
 */
export function first(): Balancer {
  return (peers) => {
    const peer = peers[0];
    return ({ tried }) => (tried === undefined ? peer : untried(peers, tried));
  };
}
