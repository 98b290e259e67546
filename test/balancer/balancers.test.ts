import { describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import type { Peer } from "../../src/balancer/balancer.ts";
import { first } from "../../src/balancer/first.ts";
import { roundRobin } from "../../src/balancer/round-robin.ts";
import { instance } from "../../src/contract/instance.ts";

const call = { method: GreetService.method.greet };

function peers(count: number): readonly Peer[] {
  return Array.from({ length: count }, (_, at) => ({
    instance: instance({ id: `i${at}`, component: "c", services: [], channels: {} }),
    inFlight: 0,
  }));
}

describe("first", () => {
  test("always picks the first peer", () => {
    const all = peers(3);
    const pick = first()(all);
    expect([pick(call), pick(call)]).toEqual([all[0], all[0]]);
  });

  test("has nothing to pick without peers", () => {
    expect(first()([])(call)).toBeUndefined();
  });
});

describe("roundRobin", () => {
  test("gives each of four peers exactly 25 of 100 calls", () => {
    const all = peers(4);
    const pick = roundRobin()(all);
    const counts = new Map<Peer | undefined, number>();
    for (let turn = 0; turn < 100; turn++) {
      const peer = pick(call);
      counts.set(peer, (counts.get(peer) ?? 0) + 1);
    }
    expect(all.map((peer) => counts.get(peer))).toEqual([25, 25, 25, 25]);
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

  test("has nothing to pick without peers", () => {
    expect(roundRobin()([])(call)).toBeUndefined();
  });
});
