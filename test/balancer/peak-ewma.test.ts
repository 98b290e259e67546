import { describe, expect, test } from "vitest";
import { PeakLatency } from "../../src/balancer/latency.ts";
import { peakEwma } from "../../src/balancer/peak-ewma.ts";
import { call, count, ofWeights, peers, seeded, sequence } from "./peers.ts";

describe("peakEwma", () => {
  test("takes the cheaper of two different peers: latency times running calls", () => {
    const all = peers(2);
    all[0]!.latency = { atMs: 0, expectedMs: () => 10 };
    all[1]!.latency = { atMs: 0, expectedMs: () => 30 };
    const pick = peakEwma({ random: seeded(1) })(all);
    expect(count(pick, all, 100)).toEqual([100, 0]);
    all[0]!.inFlight = 3;
    expect(count(pick, all, 100)).toEqual([0, 100]);
  });

  test("draws two different peers even when chance repeats itself", () => {
    const all = peers(5);
    all[2]!.inFlight = 9;
    const pick = peakEwma({ random: () => 0.5 })(all);
    expect(pick(call)).toBe(all[3]);
  });

  test("the worst of N gets nothing, the best at most 2/N", () => {
    const all = peers(10);
    all[3]!.latency = { atMs: 0, expectedMs: () => 500 };
    all[7]!.latency = { atMs: 0, expectedMs: () => 0.1 };
    const counts = count(peakEwma({ random: seeded(2) })(all), all, 10_000);
    expect(counts[3]).toBe(0);
    expect(counts[7]! / 10_000).toBeCloseTo(0.2, 1.5);
  });

  test("a peer without history gets one call, and the next when that was answered", () => {
    const all = peers(2);
    const fresh = all[1]!;
    const latency = new PeakLatency();
    fresh.latency = latency;
    const pick = peakEwma({ random: seeded(1) })(all);
    expect(pick(call)).toBe(fresh);
    fresh.inFlight = 1;
    all[0]!.inFlight = 1_000;
    expect(count(pick, all, 50)).toEqual([50, 0]);
    fresh.inFlight = 0;
    latency.observe(1, 0);
    expect(pick(call)).toBe(fresh);
  });

  test("a peer that was slow is tried again when others have been answering for long enough", () => {
    const all = peers(2).map((peer) => ({ ...peer, latency: new PeakLatency() }));
    const pick = peakEwma({ random: seeded(1) })(all);
    all[0]!.latency.observe(100, 0);
    for (const [atMs, best] of [[0, 1], [10_000, 1], [15_000, 1], [17_000, 0]] as const) {
      all[1]!.latency.observe(20, atMs);
      expect(count(pick, all, 10)[best]).toBe(10);
    }
  });

  test("an instance that fails fast does not attract calls", () => {
    const all = peers(10).map((peer) => ({ ...peer, latency: new PeakLatency() }));
    const [broken] = all;
    let nowMs = 0;
    const pick = peakEwma({ random: seeded(3) })(all);
    const failures = Array.from({ length: 10 }, () => 0);
    // 1000 calls a second for 10 s: 20 ms for an answer, 1 ms for a failure.
    const running: Array<{ peer: (typeof all)[number]; startedMs: number }> = [];
    for (; nowMs < 10_000; nowMs++) {
      for (const one of running.filter(({ peer, startedMs }) => nowMs - startedMs >= (peer === broken ? 1 : 20))) {
        running.splice(running.indexOf(one), 1);
        one.peer.inFlight--;
        if (one.peer === broken) one.peer.latency.fail(1, nowMs);
        else one.peer.latency.observe(20, nowMs);
      }
      const picked = pick(call);
      for (const peer of all) {
        if (peer !== picked) continue;
        peer.inFlight++;
        running.push({ peer, startedMs: nowMs });
        if (peer === broken) failures[Math.floor(nowMs / 1_000)]!++;
      }
    }
    expect(Math.max(...failures)).toBeLessThanOrEqual(20);
    expect(failures.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(40);
  });

  test("peers are drawn by weight, and running calls count relative to it", () => {
    const all = ofWeights(30, 10, 10, 10);
    const pick = peakEwma({ random: seeded(1) })(all);
    for (let turn = 0; turn < 600; turn++) {
      const picked = pick(call);
      for (const peer of all) if (peer === picked) peer.inFlight++;
    }
    expect(all[0]!.inFlight / 600).toBeCloseTo(0.5, 1.3);
  });

  test("chance decides between equals", () => {
    const all = peers(3);
    const pick = peakEwma({ random: sequence(0.1, 0.5, 0.9, 0.4) })(all);
    expect([pick(call), pick(call)]).toEqual([all[0], all[2]]);
  });
});
