import { describe, expect, test } from "vitest";
import { draw } from "../../src/balancer/draw.ts";
import { namedBalancer } from "../../src/balancer/named.ts";
import { balancerNames } from "../../src/contract/balancer-name.ts";
import { chance } from "../../src/balancer/sources.ts";
import { call, peers, seeded } from "./peers.ts";

describe("draw", () => {
  test.each([[[1, 1, 1]], [[1, 2, 3, 4]], [[65_535, 1, 1]], [[1]], [[0.5, 0.25, 8, 3, 3]]])(
    "draws by the weights %j",
    (weights) => {
      const next = draw(weights, seeded(1));
      const counts = weights.map(() => 0);
      for (let turn = 0; turn < 100_000; turn++) counts[next()]!++;
      const sum = weights.reduce((all, one) => all + one, 0);
      for (const [at, one] of counts.entries()) expect(one / 100_000).toBeCloseTo(weights[at]! / sum, 2);
    },
  );

  test("never leaves its range, even at the end of chance", () => {
    for (const weights of [[1, 1], [1, 5, 2]]) {
      for (const value of [0, 0.5, 1 - 2 ** -53]) {
        const at = draw(weights, () => value)();
        expect(at).toBeGreaterThanOrEqual(0);
        expect(at).toBeLessThan(weights.length);
      }
    }
  });
});

describe("chance", () => {
  test("is spread evenly, from 0 to below 1, also in pairs", () => {
    const random = chance(seeded(1));
    const cells = Array.from({ length: 100 }, () => 0);
    for (let turn = 0; turn < 100_000; turn++) {
      const [one, other] = [random(), random()];
      expect(one >= 0 && one < 1).toBe(true);
      cells[Math.floor(one * 10) * 10 + Math.floor(other * 10)]!++;
    }
    const off = cells.reduce((sum, cell) => sum + (cell - 1_000) ** 2 / 1_000, 0);
    // 99 degrees of freedom: 175 is five standard deviations.
    expect(off).toBeLessThan(175);
  });

  test("repeats itself for the same seed only", () => {
    const few = (seed: number): readonly number[] => Array.from({ length: 5 }, chance(seeded(seed)));
    expect(few(1)).toEqual(few(1));
    expect(few(1)).not.toEqual(few(2));
  });
});

describe("namedBalancer", () => {
  test("knows the names of gRPC and of the built-in balancers", () => {
    expect(balancerNames).toContain("peak_ewma");
    for (const name of balancerNames) expect(namedBalancer(name)?.(peers(3))(call)).toBeDefined();
    expect(namedBalancer("ring_hash_experimental")).toBeDefined();
    expect(namedBalancer("toString")).toBeUndefined();
    expect(namedBalancer("grpclb")).toBeUndefined();
  });
});
