import { describe, expect, test } from "vitest";
import { stride } from "../../src/balancer/stride.ts";
import { weighted } from "../../src/balancer/weighted.ts";
import { count, ofWeights, peer, sequence } from "./peers.ts";

/** What a scheduler picks first, as digits, from the number that gRPC's counter begins with. */
function picks(weights: readonly number[], from: number, turns: number): string {
  const at = ((from % weights.length) + 0.5) / weights.length;
  const round = ((Math.floor(from / weights.length) % 65_535) + 0.5) / 65_535;
  const next = stride(weights, sequence(at, round));
  return Array.from({ length: turns }, next).join("");
}

describe("stride", () => {
  // What grpc-go's edfScheduler (v1.85.0, weightedroundrobin/scheduler.go) picks for the same counter.
  test.each([
    [[1, 2, 3], 0, "122012122012122012122012122012"],
    [[1, 2, 3], 1_000_001, "220121220121220121220121220121"],
    [[10, 1, 10, 5], 0, "020230230201230202302023020230"],
    [[10, 1, 10, 5], 1_000_001, "202302023020123020230202302023"],
    [[100, 100, 100], 0, "012012012012012012012012012012"],
    [[100, 100, 100], 1_000_001, "201201201201201201201201201201"],
    [[81, 1, 1, 1, 1], 0, "024000000000000000000000000000"],
    [[81, 1, 1, 1, 1], 1_000_001, "000000024000000000000000000000"],
  ])("picks as gRPC does: weights %j from %d", (weights, from, expected) => {
    expect(picks(weights, from, 30)).toBe(expected);
  });

  test("picks are weighted exactly", () => {
    const next = stride([1, 2, 3], () => 0);
    const counts = [0, 0, 0];
    for (let turn = 0; turn < 6; turn++) counts[next()]!++;
    expect(counts).toEqual([1, 2, 3]);
  });

  test("the heaviest comes up in every round", () => {
    const next = stride([1, 2, 3], () => 0);
    let heaviest = 0;
    for (let turn = 0; turn < 65_535 * 2; turn++) if (next() === 2) heaviest++;
    expect(heaviest).toBe(65_535);
  });

  test("the smallest weight still comes up", () => {
    const next = stride([65_535, 1e-6], () => 0);
    const counts = [0, 0];
    for (let turn = 0; turn < 65_536; turn++) counts[next()]!++;
    expect(counts).toEqual([65_535, 1]);
  });

  test("equal weights are a plain round robin", () => {
    const next = stride([300, 300, 300], () => 0.5);
    const begin = [next(), next(), next()];
    expect(new Set(begin)).toEqual(new Set([0, 1, 2]));
    for (let turn = 0; turn < 1_000; turn++) expect(next()).toBe(begin[turn % 3]);
  });
});

describe("weighted", () => {
  test("gives calls by the weights of the registry", () => {
    const all = ofWeights(10, 1, 5);
    expect(count(weighted({ random: () => 0 })(all), all, 16)).toEqual([10, 1, 5]);
  });

  test("takes the warning weight of a peer in a warning", () => {
    const all = [peer("a"), peer("b", { weight: 100, warningWeight: 5, health: "warning" })];
    const counts = count(weighted({ random: () => 0 })(all), all, 1_500);
    expect(counts.map((one) => Math.round(one / 10))).toEqual([100, 50]);
  });

  test("a weight of 0 means nothing while others have some", () => {
    const all = [peer("a"), peer("b", { warningWeight: 0, health: "warning" })];
    expect(count(weighted()(all), all, 100)).toEqual([100, 0]);
  });
});
