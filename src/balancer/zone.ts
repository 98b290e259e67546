import { effectiveWeight } from "../contract/instance.ts";
import { notNegative, or, text } from "../contract/kind.ts";
import type { Kinds } from "../contract/kind.ts";
import { checkOptions, optionsOf } from "../contract/policy-source.ts";
import type { Balancer, CallInfo, Peer, Picker } from "./balancer.ts";
import { chance } from "./sources.ts";
import type { BalancerSources } from "./sources.ts";

/** How a balancer treats the zones of instances. */
export interface ZoneOptions {
  /** The zone of this process, as in `Instance.zone`. */
  readonly own: string;
  /** With fewer peers than this, zones do not matter. Default 6. */
  readonly minPeers?: number | undefined;
}

/** What they must be. */
export const zoneKinds: Kinds<ZoneOptions> = { own: text, minPeers: or(notNegative, Infinity) };

/** The part of the calls that one zone gets, as a sum with all zones before it. */
interface Slice {
  readonly until: number;
  readonly pick: Picker;
}

/**
 * Prefers the peers of the own zone as far as that leaves all peers equally
 * loaded, and spills the rest over to zones with capacity to spare: Envoy's
 * zone aware routing. What Envoy learns of the callers is assumed here: that
 * they are spread evenly over the zones.
 */
export function zonePreference(
  balancer: Balancer,
  options: ZoneOptions,
  sources: BalancerSources = {},
): Balancer {
  checkOptions(optionsOf("zonePreference"), "", options, zoneKinds);
  const { own, minPeers = 6 } = options;
  const { random = chance() } = sources;
  return (peers) => {
    const zones = Map.groupBy(peers, ({ instance }) => instance.zone);
    const shares = peers.length < minPeers ? [] : zoneShares(zones, own);
    if (shares.length === 0) return balancer(peers);
    let until = 0;
    const slices = shares.map(([zone, share]): Slice => {
      until += share;
      return { until, pick: balancer(zones.get(zone) ?? []) };
    });
    const [only] = slices;
    if (only !== undefined && slices.length === 1) return only.pick;
    return (call) => {
      const at = (call.hashKey === undefined ? random() : spread(call)) * until;
      for (const slice of slices) if (at < slice.until) return slice.pick(call);
      return undefined;
    };
  };
}

/**
 * The part of the calls from one zone that each zone gets; zones without any
 * are left out, and there are none when nothing is known to tell zones apart.
 */
export function zoneShares(
  zones: ReadonlyMap<string | undefined, readonly Peer[]>,
  own: string,
): ReadonlyArray<readonly [zone: string | undefined, share: number]> {
  const weights = new Map([...zones].map(([zone, peers]) => [zone, weightOf(peers)]));
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  const local = weights.get(own);
  if (total === 0 || local === undefined || local === 0) return [];
  const named = [...zones.keys()].filter((zone) => zone !== undefined).length;
  // The part of all calls that begins in each zone that has a name.
  const callers = 1 / named;
  const kept = Math.min(1, local / total / callers);
  // Not quite 1 is how 1 may come out of the divisions.
  if (kept > 0.999) return [[own, 1]];
  const spare = [...weights].flatMap(([zone, weight]) => {
    const over = weight / total - (zone === undefined ? 0 : callers);
    return zone === own || over <= 0 ? [] : [[zone, over] as const];
  });
  const spareInAll = spare.reduce((sum, [, over]) => sum + over, 0);
  const others = spare.map(([zone, over]) => [zone, ((1 - kept) * over) / spareInAll] as const);
  return [[own, kept], ...others];
}

function weightOf(peers: readonly Peer[]): number {
  return peers.reduce((sum, { instance }) => sum + effectiveWeight(instance), 0);
}

/** A number from 0 to below 1 that is the same for all calls with a key (FNV-1a). */
function spread({ hashKey = "" }: CallInfo): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < hashKey.length; at++) {
    hash = Math.imul(hash ^ hashKey.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) / 0x1_0000_0000;
}
