import { describe, expect, it } from "vitest";
import { bound, fullJitter, narrowJitter } from "../../src/async/backoff.ts";

const backoff = { initialMs: 100, maxMs: 1_000 };

describe("backoff", () => {
  it("doubles its bound with each attempt, up to the greatest", () => {
    expect([0, 1, 2, 3, 4, 5].map((attempt) => bound(backoff, attempt))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
  });

  it("grows by its multiplier", () => {
    expect(bound({ ...backoff, multiplier: 3 }, 2)).toBe(900);
    expect(bound({ ...backoff, multiplier: 1 }, 9)).toBe(100);
  });

  it("never starts above its greatest bound", () => {
    expect(bound({ initialMs: 5_000, maxMs: 1_000 }, 0)).toBe(1_000);
  });

  it("stays bounded after very many attempts", () => {
    expect(bound(backoff, 100_000)).toBe(1_000);
  });

  it("spreads full jitter from nothing to the bound", () => {
    expect(fullJitter(backoff, 1, () => 0)).toBe(0);
    expect(fullJitter(backoff, 1, () => 0.5)).toBe(100);
    expect(fullJitter(backoff, 1, () => 0.999)).toBeCloseTo(199.8);
  });

  it("keeps narrow jitter within a fifth of the bound", () => {
    expect(narrowJitter(backoff, 1, () => 0)).toBeCloseTo(160);
    expect(narrowJitter(backoff, 1, () => 0.5)).toBeCloseTo(200);
    expect(narrowJitter(backoff, 1, () => 1)).toBeCloseTo(240);
  });

  it("takes its randomness from the process by default", () => {
    for (let attempt = 0; attempt < 50; attempt++) {
      const full = fullJitter(backoff, attempt);
      expect(full).toBeGreaterThanOrEqual(0);
      expect(full).toBeLessThan(bound(backoff, attempt));
      const narrow = narrowJitter(backoff, attempt);
      expect(narrow).toBeGreaterThanOrEqual(0.8 * bound(backoff, attempt));
      expect(narrow).toBeLessThan(1.2 * bound(backoff, attempt));
    }
  });
});
