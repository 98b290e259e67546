import { describe, expect, test } from "vitest";
import { Quantile } from "../../src/resilience/quantile.ts";
import { seeded } from "./virtual.ts";

/** The value that a share of the sorted samples lies below. */
function exact(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
}

describe("Quantile", () => {
  test("has no value before there are enough samples", () => {
    const p95 = new Quantile({ warmUp: 5 });
    for (let n = 0; n < 4; n++) p95.record(10);
    expect(p95.value).toBeUndefined();
    p95.record(10);
    expect(p95.value).toBeCloseTo(10, -1);
  });

  const random = seeded(95);
  const shapes: Readonly<Record<string, () => number>> = {
    "even": () => 10 + 90 * random(),
    "exponential": () => -50 * Math.log(1 - random()),
    "Pareto": () => 5 / (1 - random()) ** (1 / 1.5),
    "two heaps": () => (random() < 0.9 ? 10 + random() : 200 + random()),
    "very short": () => 0.2 + random(),
    "very long": () => 60_000 + 60_000 * random(),
  };
  for (const [shape, sample] of Object.entries(shapes)) {
    test.each([0.5, 0.9, 0.95, 0.99])(`is right within a tenth: ${shape}, %s`, (quantile) => {
      const estimator = new Quantile({ quantile, window: 20_000 });
      const samples = Array.from({ length: 20_000 }, sample);
      for (const ms of samples) estimator.record(ms);
      // Two heaps have no value at their 90 %: either side is right.
      const low = exact(samples, quantile - 0.005);
      const high = exact(samples, quantile + 0.005);
      expect(estimator.value).toBeGreaterThan(0.9 * low);
      expect(estimator.value).toBeLessThan(1.1 * high);
    });
  }

  test("follows when times change", () => {
    const p95 = new Quantile({ window: 500 });
    for (let n = 0; n < 10_000; n++) p95.record(10);
    expect(p95.value).toBeCloseTo(10, -1);
    for (let n = 0; n < 1_500; n++) p95.record(100);
    expect(p95.value).toBeGreaterThan(90);
    for (let n = 0; n < 5_000; n++) p95.record(10);
    expect(p95.value).toBeLessThan(11);
  });

  test("bears what is out of its range", () => {
    const p95 = new Quantile({ warmUp: 1 });
    for (const ms of [0, -1, 1e-9]) p95.record(ms);
    expect(p95.value).toBeLessThanOrEqual(0.1);
    for (let n = 0; n < 100; n++) p95.record(1e9);
    expect(p95.value).toBeGreaterThan(300_000);
    expect(p95.value).toBeLessThan(1e9);
  });
});
