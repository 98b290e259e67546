import type { Balancer } from "./balancer.ts";
import { weighed } from "./candidates.ts";
import { draw } from "./draw.ts";
import { checkBalancer, withOptions } from "./options.ts";
import type { BalancerOptions } from "./options.ts";
import { chance } from "./sources.ts";

/** Cost of a peer that has not answered its first call yet: higher than any latency. */
const untestedMs = 1e9;

/** How often a second peer is drawn in search of another one. */
const maxTurns = 4;

/**
 * The better one of two peers drawn at random, by the latency expected there
 * times the calls running there: Finagle's and Linkerd's `peakEwma` over the
 * power of two choices. Peers are drawn by weight, and running calls count
 * relative to it.
 *
 * A peer without history gets one call at a time until the first is answered.
 * What is expected is the peer's {@link Peer.latency}, which counts failures as
 * slow answers, so that an instance that fails fast attracts nothing.
 */
export function peakEwma(options: BalancerOptions = {}): Balancer {
  checkBalancer("peakEwma", options, {});
  const { random = chance() } = options;
  return withOptions((all) => {
    const { peers, weights } = weighed(all);
    const [only] = peers;
    if (peers.length < 2) return () => only;
    const next = draw(weights, random);
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
    const perWeight = Float64Array.from(weights, (weight) => mean / weight);
    // Beside the peers, so that memory is not asked for one after the other.
    const latencies = peers.map(({ latency }) => latency);
    return () => {
      const one = next();
      let other = next();
      for (let turn = 1; other === one && turn < maxTurns; turn++) other = next();
      if (other === one) other = one + 1 === peers.length ? 0 : one + 1;
      const a = peers[one];
      const b = peers[other];
      const ofA = latencies[one];
      const ofB = latencies[other];
      if (a === undefined || b === undefined || ofA === undefined || ofB === undefined) return only;
      // No look at the clock, which would cost more than all else: what decays, decays alike.
      const atMs = Math.max(ofA.atMs, ofB.atMs);
      const costOfA = cost(a.inFlight, ofA.expectedMs(atMs), perWeight[one] ?? 1);
      return cost(b.inFlight, ofB.expectedMs(atMs), perWeight[other] ?? 1) < costOfA ? b : a;
    };
  }, options);
}

function cost(inFlight: number, expectedMs: number, perWeight: number): number {
  if (expectedMs === 0 && inFlight > 0) return untestedMs + inFlight;
  return expectedMs * (inFlight * perWeight + 1);
}
