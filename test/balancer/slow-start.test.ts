import { describe, expect, test } from "vitest";
import { first } from "../../src/balancer/first.ts";
import { ramp, slowStart } from "../../src/balancer/slow-start.ts";
import { roundRobin } from "../../src/balancer/round-robin.ts";
import { call, count, peers, seeded } from "./peers.ts";

describe("the share of a new peer", () => {
  test("grows evenly from the least share", () => {
    const share = ramp();
    expect([0, 500, 1_000, 3_000, 5_000, 10_000, 99_000].map((nowMs) => share(0, nowMs))).toEqual([
      0.1, 0.1, 0.1, 0.3, 0.5, 1, 1,
    ]);
  });

  test("is Envoy's max(min, time factor ^ (1 / aggression))", () => {
    const share = ramp({ windowMs: 60_000, aggression: 2 });
    expect(share(0, 15_000)).toBeCloseTo(0.5, 6);
    expect(ramp({ windowMs: 60_000, aggression: 0.5 })(0, 30_000)).toBeCloseTo(0.25, 6);
    expect(ramp({ windowMs: 60_000, minShare: 0.2 })(0, 3_000)).toBe(0.2);
  });

  test("is whole for what was there from the start, and without a window", () => {
    expect(ramp()(-Infinity, 5)).toBe(1);
    expect(ramp({ windowMs: 0 })(5, 5)).toBe(1);
  });

  test("needs an aggression above 0", () => {
    expect(() => ramp({ aggression: 0 })).toThrow(/above 0/);
    expect(() => roundRobin({ slowStart: { aggression: -1 } })).toThrow(/above 0/);
  });
});

describe("slowStart", () => {
  test("lets a new peer have its share and no more, whatever the balancer", () => {
    let nowMs = 0;
    const all = peers(4);
    all[2]!.sinceMs = 0;
    const pick = roundRobin({ random: seeded(1), now: () => nowMs })(all);
    for (const [atMs, share] of [[0, 0.1], [5_000, 0.5], [10_000, 1], [1e6, 1]] as const) {
      nowMs = atMs;
      const counts = count(pick, all, 10_000);
      expect(counts[2]! / 10_000).toBeCloseTo(share / (3 + share), 1.7);
      expect(counts[0]! / 10_000).toBeCloseTo(1 / (3 + share), 1.7);
    }
  });

  test("is relative to the oldest: a fleet that is all new shares evenly", () => {
    const all = peers(4);
    for (const peer of all) peer.sinceMs = 1_000;
    const pick = roundRobin({ random: seeded(1), now: () => 1_500 })(all);
    expect(count(pick, all, 100)).toEqual([25, 25, 25, 25]);
  });

  test("can be turned off", () => {
    const all = peers(2);
    all[0]!.sinceMs = 0;
    const pick = roundRobin({ slowStart: false, now: () => 0 })(all);
    expect(count(pick, all, 100)).toEqual([50, 50]);
  });

  test("takes a new peer all the same when the balancer insists", () => {
    const all = peers(2);
    all[0]!.sinceMs = 0;
    const pick = slowStart(first(), {}, { random: () => 0.999, now: () => 0 })(all);
    expect(pick(call)).toBe(all[0]);
  });

  test("costs nothing once all are warm: the picker is the balancer's own", () => {
    const pick = first()(peers(1));
    expect(slowStart(() => pick)(peers(3))).toBe(pick);
  });
});
