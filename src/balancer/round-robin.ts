import type { Balancer } from "./balancer.ts";

/** Options of {@link roundRobin}. */
export interface RoundRobinOptions {
  /** Source of the start position, from 0 to below 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * Each peer in turn. Every new set of peers starts at a random position, so
 * that many clients do not all begin with the same instance (gRPC's
 * `round_robin`).
 */
export function roundRobin(options: RoundRobinOptions = {}): Balancer {
  const random = options.random ?? Math.random;
  return (peers) => {
    const count = peers.length;
    if (count === 0) return () => undefined;
    let next = Math.floor(random() * count) % count;
    return () => {
      const peer = peers[next];
      next = next + 1 === count ? 0 : next + 1;
      return peer;
    };
  };
}
