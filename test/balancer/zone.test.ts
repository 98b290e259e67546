import { describe, expect, test } from "vitest";
import { peakEwma } from "../../src/balancer/peak-ewma.ts";
import { ringHash } from "../../src/balancer/ring-hash.ts";
import { roundRobin } from "../../src/balancer/round-robin.ts";
import { zoneShares } from "../../src/balancer/zone.ts";
import { count, keyed, peers, seeded } from "./peers.ts";
import type { ScriptedPeer } from "./peers.ts";

/** Peers in zones: `zoned({ a: 2, b: 4 })`. The zone `""` stands for none. */
function zoned(sizes: Readonly<Record<string, number>>): readonly ScriptedPeer[] {
  return Object.entries(sizes).flatMap(([zone, size]) =>
    peers(size, zone === "" ? {} : { zone }).map((one) => ({
      ...one,
      instance: { ...one.instance, id: `${zone}${one.instance.id}` },
    })),
  );
}

function shares(sizes: Readonly<Record<string, number>>, own: string): Readonly<Record<string, number>> {
  const groups = Map.groupBy(zoned(sizes), ({ instance }) => instance.zone);
  return Object.fromEntries(zoneShares(groups, own).map(([zone, share]) => [zone ?? "", Number(share.toFixed(6))]));
}

describe("the shares of zones", () => {
  test("all to the own zone when it has as much as its part of the callers", () => {
    expect(shares({ a: 4, b: 4, c: 4 }, "a")).toEqual({ a: 1 });
    expect(shares({ a: 6, b: 3, c: 3 }, "a")).toEqual({ a: 1 });
  });

  test("what the own zone has no capacity for goes to zones that have some to spare", () => {
    // A fifth of the capacity for a third of the callers: 3/5 stay.
    expect(shares({ a: 2, b: 4, c: 4 }, "a")).toEqual({ a: 0.6, b: 0.2, c: 0.2 });
    // b has more than its part to spare than c, and d none.
    expect(shares({ a: 1, b: 6, c: 4, d: 1 }, "a")).toEqual({ a: 0.333333, b: 0.5, c: 0.166667 });
  });

  test("the load of all peers is the same when callers are spread evenly", () => {
    const sizes = { a: 2, b: 5, c: 3, d: 8 };
    const load: Record<string, number> = { a: 0, b: 0, c: 0, d: 0 };
    for (const own of Object.keys(sizes)) {
      for (const [zone, share] of Object.entries(shares(sizes, own))) load[zone]! += share / 4;
    }
    for (const [zone, size] of Object.entries(sizes)) expect(load[zone]! / size).toBeCloseTo(1 / 18, 5);
  });

  test("none when the own zone has no peers", () => {
    expect(shares({ b: 4, c: 4 }, "a")).toEqual({});
  });

  test("peers without a zone take what is spilled over", () => {
    expect(shares({ a: 2, b: 4, "": 4 }, "a")).toEqual({ a: 0.4, "": 0.6 });
  });
});

describe("a balancer with a zone", () => {
  test("keeps calls in the own zone while it can", () => {
    const all = zoned({ a: 3, b: 3 });
    for (const balancer of [roundRobin({ zone: "a" }), peakEwma({ zone: "a" })]) {
      const counts = count(balancer(all), all, 300);
      expect(counts.slice(3)).toEqual([0, 0, 0]);
    }
    expect(count(roundRobin({ zone: "a" })(all), all, 300)).toEqual([100, 100, 100, 0, 0, 0]);
  });

  test("spills over in proportion when peers of the own zone are gone", () => {
    const all = zoned({ a: 2, b: 4, c: 4 });
    const counts = count(roundRobin({ zone: "a", random: seeded(1) })(all), all, 10_000);
    const own = counts[0]! + counts[1]!;
    expect(own / 10_000).toBeCloseTo(0.6, 1.5);
  });

  test("ignores zones when there are few peers, or when none is in the own zone", () => {
    const few = zoned({ a: 2, b: 3 });
    expect(count(roundRobin({ zone: "a" })(few), few, 100)).toEqual([20, 20, 20, 20, 20]);
    const counts = count(roundRobin({ zone: { own: "b", minPeers: 2 } })(few), few, 99);
    expect(counts).toEqual([0, 0, 33, 33, 33]);
    const elsewhere = zoned({ b: 4, c: 4 });
    expect(new Set(count(roundRobin({ zone: "a" })(elsewhere), elsewhere, 800))).toEqual(new Set([100]));
  });

  test("a key stays with one peer for the callers of a zone", () => {
    const all = zoned({ a: 2, b: 4, c: 4 });
    const pick = ringHash({ zone: "a" })(all);
    const zones = new Map<string | undefined, number>();
    for (let at = 0; at < 2_000; at++) {
      const peer = pick(keyed(`key ${at}`));
      expect(pick(keyed(`key ${at}`))).toBe(peer);
      zones.set(peer?.instance.zone, (zones.get(peer?.instance.zone) ?? 0) + 1);
    }
    expect(zones.get("a")! / 2_000).toBeCloseTo(0.6, 1.3);
  });
});
