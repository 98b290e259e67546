import { between, notNegative, positive } from "../contract/kind.ts";
import type { Kinds } from "../contract/kind.ts";
import { checkOptions, optionsOf } from "../contract/policy-source.ts";
import type { Balancer, Peer } from "./balancer.ts";
import { chance, monotonicMs } from "./sources.ts";
import type { BalancerSources } from "./sources.ts";

/** How new peers are brought in. */
export interface SlowStartOptions {
  /** How long a peer counts as new, in milliseconds. Default 10000. */
  readonly windowMs?: number | undefined;
  /** Above 1 the share grows faster in the beginning, below 1 slower. Default 1: evenly. */
  readonly aggression?: number | undefined;
  /** The least share of a new peer, from 0 to 1. Default 0.1. */
  readonly minShare?: number | undefined;
}

/** What they must be. */
export const slowStartKinds: Kinds<SlowStartOptions> = {
  windowMs: notNegative,
  aggression: positive,
  minShare: between(0, 1),
};

/** How often a new peer is passed over for one call before it is taken all the same. */
const maxTurns = 16;

/** The share of a peer by its age, from the least share to 1. */
export type Ramp = (sinceMs: number, nowMs: number) => number;

/**
 * The share of a peer that is still new: `max(minShare, (age / window) ^ (1 / aggression))`,
 * Envoy's slow start mode. Throws a configuration error for options
 * that make no sense.
 */
export function ramp(options: SlowStartOptions = {}): Ramp {
  checkOptions(optionsOf("slowStart"), "", options, slowStartKinds);
  const { windowMs = 10_000, aggression = 1, minShare = 0.1 } = options;
  const power = 1 / aggression;
  return (sinceMs, nowMs) => {
    const age = Math.max(1, nowMs - sinceMs) / windowMs;
    if (age >= 1) return 1;
    return Math.max(minShare, power === 1 ? age : age ** power);
  };
}

/** When the last of some peers stops being new, on the balancers' clock. */
export function warmAtMs(peers: readonly Peer[], options: SlowStartOptions = {}): number {
  return peers.reduce((last, { sinceMs }) => Math.max(last, sinceMs), -Infinity) + (options.windowMs ?? 10_000);
}

/**
 * Passes over a new peer for a part of the calls that a balancer would give
 * it, less and less as it grows older. Peers that are equally new are not
 * slowed down against each other.
 */
export function slowStart(
  balancer: Balancer,
  options: SlowStartOptions = {},
  sources: BalancerSources = {},
): Balancer {
  const { random = chance(), now = monotonicMs } = sources;
  const share = ramp(options);
  return (peers) => {
    const pick = balancer(peers);
    const warmAt = warmAtMs(peers, options);
    if (warmAt < now()) return pick;
    const oldestMs = peers.reduce((first, { sinceMs }) => Math.min(first, sinceMs), Infinity);
    return (call) => {
      let peer = pick(call);
      const nowMs = now();
      if (nowMs >= warmAt) return peer;
      const most = share(oldestMs, nowMs);
      for (let turn = 0; turn < maxTurns; turn++) {
        if (peer === undefined || random() * most < share(peer.sinceMs, nowMs)) return peer;
        peer = pick(call);
      }
      return peer;
    };
  };
}
