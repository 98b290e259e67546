import type { Instance } from "../contract/instance.ts";
import { callable, elsewhere } from "../contract/kind.ts";
import { optionsOf, refusal } from "../contract/policy-source.ts";
import type { Balancer } from "./balancer.ts";
import { weighed } from "./candidates.ts";
import { checkBalancer, withZone } from "./options.ts";
import type { BalancerOptions } from "./options.ts";
import { Ring } from "./ring.ts";
import { checkRingSize, grpcEntries, placesKind, steadyEntries } from "./ring-size.ts";
import type { RingSize } from "./ring-size.ts";
import { ramp, warmAtMs } from "./slow-start.ts";
import { chance, monotonicMs } from "./sources.ts";
import { untried } from "./untried.ts";
import type { Word64 } from "./word64.ts";
import { Xxh64 } from "./xxh64.ts";

/** Options of {@link ringHash}. */
export interface RingHashOptions extends BalancerOptions {
  /** Places on the ring for a peer with the greatest weight. More spread keys more evenly. Default 128. */
  readonly entries?: number | undefined;
  /**
   * Sizes the ring as gRPC does instead, so that a key belongs to the same
   * instance for gRPC clients in other languages (gRFC A42). Then a peer that
   * comes or goes also moves some keys between others. Excludes `entries`.
   */
  readonly ringSize?: RingSize | undefined;
  /**
   * What the places of an instance depend on; instances that replace each other
   * should share it. Default: the address of its first channel by name, without
   * the scheme, else its id.
   */
  readonly identity?: ((instance: Instance) => string) | undefined;
}

/**
 * Calls with the same `hashKey` go to the same peer; when peers come or go,
 * only the keys of those move (gRFC A42 and A76: XXH64 with seed 0). Calls
 * without a key go anywhere. Peers get keys by weight. A call that is repeated
 * goes to the next peer on the ring.
 *
 * A new peer takes over its keys one after the other while it is new. Throws a
 * configuration error for options that make no sense.
 */
export function ringHash(options: RingHashOptions = {}): Balancer {
  check(options);
  const { random = chance(), now = monotonicMs, identity = addressOrId } = options;
  const warmUp = options.slowStart === false ? { windowMs: 0 } : (options.slowStart ?? {});
  const share = ramp(warmUp);
  const sizes = (weights: readonly number[]): readonly number[] =>
    options.ringSize === undefined
      ? steadyEntries(weights, options.entries ?? 128)
      : grpcEntries(weights, options.ringSize);
  const hasher = new Xxh64();
  return withZone((all) => {
    const found = weighed(all);
    const members = found.peers
      .map((peer, at) => ({ peer, identity: identity(peer.instance), weight: found.weights[at] ?? 1 }))
      .sort((a, b) => (a.identity < b.identity ? -1 : a.identity > b.identity ? 1 : 0));
    const entries = sizes(members.map(({ weight }) => weight));
    const ring = new Ring(members.map((member, at) => ({ ...member, entries: entries[at] ?? 1 })));
    const peers = members.map(({ peer }) => peer);
    const [anyone] = peers;
    const warmAt = warmAtMs(peers, warmUp);
    const warm = warmAt <= now();
    const oldestMs = peers.reduce((first, { sinceMs }) => Math.min(first, sinceMs), Infinity);
    return ({ hashKey, tried }) => {
      const { hash } = hasher;
      if (hashKey === undefined) anyHash(hash, (random() * 0x1_0000_0000) | 0);
      else hasher.digest(hashKey);
      const start = ring.find(hash);
      const nowMs = warm ? Infinity : now();
      if (tried === undefined && nowMs >= warmAt) return peers[ring.owner(start)];
      // A key goes to a new peer when that has this share. The lower bits have no part in its place.
      const turn = ((hash.low & 0x3ff) / 0x400) * share(oldestMs, nowMs);
      for (let step = 0, at = start; step < ring.size; step++) {
        const peer = peers[ring.owner(at)];
        if (peer !== undefined && tried?.has(peer) !== true && turn < share(peer.sinceMs, nowMs)) return peer;
        at = at + 1 === ring.size ? 0 : at + 1;
      }
      return tried === undefined ? anyone : untried(peers, tried);
    };
  }, options);
}

function check(options: RingHashOptions): void {
  const source = optionsOf("ringHash");
  checkBalancer("ringHash", options, { entries: placesKind, ringSize: elsewhere, identity: callable });
  checkRingSize(source, "ringSize", options.ringSize);
  if (options.entries === undefined || options.ringSize === undefined) return;
  throw refusal(source, "entries", "beside ringSize, which sizes the ring another way: remove one");
}

/** One draw is enough: the lowest bits of the upper half decide on no place that can be told from the next. */
function anyHash(hash: Word64, drawn: number): void {
  hash.set(drawn, Math.imul(drawn, 0x9e37_79b1));
}

/** `10.0.0.1:8080` for an instance that offers a channel at `http://10.0.0.1:8080`. */
function addressOrId({ channels, id }: Instance): string {
  const [name] = Object.keys(channels).sort();
  const address = name === undefined ? undefined : channels[name];
  return address === undefined ? id : address.replace(/^https?:\/\//, "");
}
