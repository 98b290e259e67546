import { describe, expect, test } from "vitest";
import { first } from "../../src/balancer/first.ts";
import { roundRobin } from "../../src/balancer/round-robin.ts";
import { call, count, peer, peers } from "./peers.ts";

describe("first", () => {
  test("always picks the first peer", () => {
    const all = peers(3);
    const pick = first()(all);
    expect([pick(call), pick(call)]).toEqual([all[0], all[0]]);
  });

  test("goes on to the next one in order when a call has tried some", () => {
    const all = peers(3);
    const pick = first()(all);
    expect(pick({ ...call, tried: new Set([all[0]!]) })).toBe(all[1]);
    expect(pick({ ...call, tried: new Set(all) })).toBeUndefined();
  });
});

describe("roundRobin", () => {
  test("gives each of four peers exactly 25 of 100 calls", () => {
    const all = peers(4);
    expect(count(roundRobin()(all), all, 100)).toEqual([25, 25, 25, 25]);
  });

  test("ignores weights", () => {
    const all = [peer("a", { weight: 100 }), peer("b", { weight: 1 })];
    expect(count(roundRobin()(all), all, 100)).toEqual([50, 50]);
  });

  test("starts where the random source says, and wraps around", () => {
    const all = peers(3);
    const pick = roundRobin({ random: () => 0.7 })(all);
    expect([pick(call), pick(call), pick(call)]).toEqual([all[2], all[0], all[1]]);
  });

  test("a shorter set never leaves an index behind", () => {
    const balancer = roundRobin({ random: () => 0.999 });
    balancer(peers(5))(call);
    const two = peers(2);
    expect(balancer(two)(call)).toBe(two[1]);
  });

  test("a peer in a warning gets as much less as its warning weight is below its weight", () => {
    const all = [peer("a"), peer("b", { health: "warning", weight: 20, warningWeight: 5 }), peer("c")];
    const counts = count(roundRobin({ random: () => 0 })(all), all, 9_000);
    expect(counts.map((one) => Math.round(one / 100))).toEqual([40, 10, 40]);
  });

  test("two peers in a warning share what comes", () => {
    const all = peers(2, { health: "warning" });
    expect(count(roundRobin()(all), all, 100)).toEqual([50, 50]);
  });
});
