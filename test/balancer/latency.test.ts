import { describe, expect, test } from "vitest";
import { PeakLatency } from "../../src/balancer/latency.ts";

describe("PeakLatency", () => {
  test("is 0 until something was observed", () => {
    expect(new PeakLatency().expectedMs(1_000)).toBe(0);
  });

  test("believes a slower answer at once", () => {
    const latency = new PeakLatency();
    latency.observe(10, 0);
    latency.observe(400, 1);
    expect(latency.expectedMs(1)).toBe(400);
  });

  test("believes a faster answer as time passes: w = exp(-Δt/τ), cost·w + rtt·(1-w)", () => {
    const latency = new PeakLatency({ tauMs: 10_000 });
    latency.observe(100, 0);
    latency.observe(20, 5_000);
    const weight = Math.exp(-0.5);
    expect(latency.expectedMs(5_000)).toBeCloseTo(100 * weight + 20 * (1 - weight), 2);
  });

  test("many fast answers at once change little", () => {
    const latency = new PeakLatency();
    latency.observe(1_000, 0);
    for (let at = 0; at < 100; at++) latency.observe(1, at / 10);
    expect(latency.expectedMs(10)).toBeGreaterThan(990);
  });

  test("stays at a latency that does not change", () => {
    const latency = new PeakLatency();
    for (let at = 0; at < 60_000; at += 500) latency.observe(20, at);
    expect(latency.expectedMs(59_500)).toBeCloseTo(20, 3);
  });

  test("decays without answers, to 37 % in τ", () => {
    const latency = new PeakLatency({ tauMs: 2_000 });
    latency.observe(100, 0);
    expect(latency.expectedMs(2_000)).toBeCloseTo(100 / Math.E, 2);
    expect(latency.expectedMs(2_000)).toBeCloseTo(100 / Math.E, 2);
    expect(latency.expectedMs(20_000)).toBeLessThan(0.01);
  });

  test("an answer in no time is still an answer", () => {
    const latency = new PeakLatency();
    latency.observe(0, 5);
    expect(latency.expectedMs(5)).toBeGreaterThan(0);
  });

  test("a fast failure counts three times what was expected, and failures in a row add up to 5 s", () => {
    const latency = new PeakLatency();
    latency.observe(20, 0);
    const after = [1, 2, 3, 4, 5, 6, 7].map((at) => {
      latency.fail(0.5, at);
      return latency.expectedMs(at);
    });
    expect(after).toEqual([60, 180, 540, 1_620, 4_860, 5_000, 5_000]);
  });

  test("a first failure counts 1 s, and a slow one what it took", () => {
    const first = new PeakLatency();
    first.fail(1, 0);
    expect(first.expectedMs(0)).toBe(1_000);
    const slow = new PeakLatency();
    slow.fail(30_000, 0);
    expect(slow.expectedMs(0)).toBe(30_000);
  });

  test("one failure among successes is forgotten within a minute", () => {
    const latency = new PeakLatency();
    latency.observe(20, 0);
    latency.fail(1, 1_000);
    for (let at = 1_100; at < 61_000; at += 100) latency.observe(20, at);
    expect(latency.expectedMs(61_000)).toBeLessThan(21);
  });

  test("a call that was given up says how long an answer takes at least", () => {
    const latency = new PeakLatency();
    latency.observe(100, 0);
    latency.exceed(50, 0);
    expect(latency.expectedMs(0)).toBe(100);
    latency.exceed(300, 0);
    expect(latency.expectedMs(0)).toBe(300);
  });

  test("begins anew when the peer is back", () => {
    const latency = new PeakLatency();
    latency.observe(5_000, 1_000);
    latency.forget();
    expect(latency.expectedMs(1_000)).toBe(0);
    latency.observe(3, 1_001);
    expect(latency.expectedMs(1_001)).toBeCloseTo(3, 2);
  });

  test("expects no more than what reaching the peer took, where calls still run when it is back", () => {
    const latency = new PeakLatency();
    latency.restart(7, 1_000);
    expect(latency.expectedMs(1_000)).toBe(0);
    latency.observe(5_000, 1_000);
    latency.restart(Infinity, 1_000);
    expect(latency.expectedMs(1_000)).toBe(5_000);
    latency.restart(7, 1_000);
    expect(latency.expectedMs(1_000)).toBe(7);
    latency.restart(8, 1_000);
    expect(latency.expectedMs(1_000)).toBe(7);
  });

  test("survives long times and clocks that start anywhere", () => {
    const latency = new PeakLatency();
    const start = 2 ** 31 - 500;
    latency.observe(100, start);
    expect(latency.expectedMs(start + 10_000)).toBeCloseTo(100 / Math.E, 2);
    latency.observe(1e12, start);
    expect(latency.expectedMs(start)).toBeGreaterThan(1_000_000);
  });
});
