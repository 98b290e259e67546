import { describe, expect, test } from "vitest";
import type { Peer } from "../../src/balancer/balancer.ts";
import { ringHash } from "../../src/balancer/ring-hash.ts";
import { grpcEntries, steadyEntries } from "../../src/balancer/ring-size.ts";
import { call, count, keyed, peer, peers, seeded } from "./peers.ts";
import type { ScriptedPeer } from "./peers.ts";

const keys = Array.from({ length: 10_000 }, (_, at) => keyed(`key ${at}`));

function addressed(number: number, weight = 10): ScriptedPeer {
  return peer(`p${number}`, { weight, channels: { protobuf: `http://10.0.0.${number}:8080` } });
}

function owners(all: readonly Peer[], options: Parameters<typeof ringHash>[0] = {}): ReadonlyArray<Peer | undefined> {
  const pick = ringHash(options)(all);
  return keys.map((key) => pick(key));
}

/** How many of the keys changed their owner, and how many of these between peers of both sets. */
function moves(before: readonly Peer[], after: readonly Peer[], options: Parameters<typeof ringHash>[0] = {}) {
  const [old, now] = [owners(before, options), owners(after, options)];
  const moved = keys.flatMap((_, at) => (old[at] === now[at] ? [] : [at]));
  const survivors = new Set<Peer | undefined>(before.filter((one) => after.includes(one)));
  const between = moved.filter((at) => survivors.has(old[at]) && survivors.has(now[at]));
  return { moved: moved.length / keys.length, between: between.length };
}

describe("ringHash", () => {
  // Owners of "key 0" to "key 23" that grpc-go's newRing (v1.85.0) and XXH64 give.
  test.each([
    [{ min: 3, max: 20 }, "323333133333213333232333"],
    [{ min: 7, max: 20 }, "313332133332113323131333"],
    [{ min: 1_024, max: 4_096 }, "333133211331123332213231"],
    [{}, "333133211331123332213231"],
  ])("puts keys where gRPC puts them with a ring of %j", (ringSize, expected) => {
    const all = [addressed(3, 4), addressed(1, 3), addressed(2, 3)];
    const pick = ringHash({ ringSize })(all);
    const picked = keys.slice(0, 24).map((key) => pick(key)?.instance.id.slice(1));
    expect(picked.join("")).toBe(expected);
  });

  test("the order in which peers are given does not matter", () => {
    const all = peers(10);
    expect(owners(all)).toEqual(owners(all.toReversed()));
    const uneven = [7, 5, 11, 13, 3].map((weight, at) => addressed(at, weight));
    const ringSize = { min: 8, max: 64 };
    expect(owners(uneven, { ringSize })).toEqual(owners(uneven.toReversed(), { ringSize }));
  });

  test.each([2, 3, 10, 50, 200])("one of %d that goes moves its own keys and no others", (size) => {
    const all = peers(size);
    for (const gone of [0, Math.floor(size / 2), size - 1]) {
      const { moved, between } = moves(all, all.toSpliced(gone, 1));
      expect(between).toBe(0);
      expect(moved).toBeLessThan(1.5 / size);
      expect(moved).toBeGreaterThan(0.5 / size);
    }
  });

  test("on average, exactly one N-th of the keys moves", () => {
    const all = peers(10);
    const parts = all.map((_, at) => moves(all, all.toSpliced(at, 1)).moved);
    expect(parts.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 6);
    expect(Math.max(...parts)).toBeLessThan(1.3 / 10);
  });

  test("one that comes takes its keys from all others, and no others move", () => {
    const all = peers(10);
    const { moved, between } = moves(all, [...all, peer("new")]);
    expect(between).toBe(0);
    expect(moved).toBeCloseTo(1 / 11, 1.5);
  });

  test("with the ring of gRPC, some keys also move between others", () => {
    const all = peers(10);
    expect(moves(all, all.toSpliced(3, 1), { ringSize: {} }).between).toBeGreaterThan(0);
  });

  test("a peer that goes into a warning gives up keys, and no others move", () => {
    const all = peers(10);
    const pick = ringHash()(all);
    const before = keys.map((key) => pick(key));
    all[4]!.instance = { ...all[4]!.instance, health: "warning" };
    const warned = ringHash()(all);
    const changed = keys.filter((key, at) => warned(key) !== before[at]);
    expect(changed.every((key) => pick(key) === all[4])).toBe(true);
    expect(count(warned, all, keys.length, (at) => keys[at]!)[4]! / keys.length).toBeLessThan(0.03);
  });

  test("keys are spread by weight", () => {
    const all = [addressed(1, 10), addressed(2, 20), addressed(3, 30), addressed(4, 40)];
    const counts = count(ringHash({ entries: 2_000 })(all), all, keys.length, (at) => keys[at]!);
    for (const [at, one] of counts.entries()) expect(one / keys.length / ((at + 1) / 10)).toBeCloseTo(1, 0.7);
  });

  test("instances that share an identity replace each other without moving keys", () => {
    const all = peers(5, { channels: {} }).map((one, at) => ({
      ...one,
      instance: { ...one.instance, metadata: { shard: `s${at}` } },
    }));
    const restarted = all.map((one, at) => (at === 2 ? { ...one, instance: { ...one.instance, id: "again" } } : one));
    const identity = ({ metadata, id }: Peer["instance"]): string => metadata["shard"] ?? id;
    const [old, now] = [owners(all, { identity }), owners(restarted, { identity })];
    for (const [at, owner] of old.entries()) expect(now[at] === owner || owner === all[2]).toBe(true);
  });

  test("a call that was tried goes on along the ring, differently for different keys", () => {
    const all = peers(10);
    const pick = ringHash()(all);
    const without = ringHash()(all.toSpliced(3, 1));
    const ofThird = keys.filter((key) => pick(key) === all[3]);
    const next = new Set(ofThird.map((key) => pick({ ...key, tried: new Set([all[3]!]) })));
    for (const key of ofThird) expect(pick({ ...key, tried: new Set([all[3]!]) })).toBe(without(key));
    expect(next.size).toBe(9);
    expect(pick({ ...keyed("a"), tried: new Set(all) })).toBeUndefined();
  });

  test("calls without a key go anywhere", () => {
    const all = peers(4);
    const counts = count(ringHash({ random: seeded(1), entries: 1_000 })(all), all, 4_000, () => call);
    for (const one of counts) expect(one / 1_000).toBeCloseTo(1, 0.7);
  });

  test("a new peer takes over its keys one after the other, and none goes back", () => {
    let nowMs = 0;
    const all = peers(10);
    const fresh = peer("new");
    fresh.sinceMs = 0;
    const pick = ringHash({ now: () => nowMs })([...all, fresh]);
    const old = ringHash()(all);
    const settled = ringHash({ slowStart: false })([...all, fresh]);
    const mine = keys.filter((key) => settled(key) === fresh);
    let before = new Set<unknown>();
    for (const [atMs, share] of [[0, 0.1], [3_000, 0.3], [7_000, 0.7], [10_000, 1]] as const) {
      nowMs = atMs;
      const now = new Set(mine.filter((key) => pick(key) === fresh));
      expect([...before].every((key) => now.has(key as never))).toBe(true);
      expect(now.size / mine.length).toBeCloseTo(share, 0.9);
      for (const key of keys) expect([fresh, old(key)]).toContain(pick(key));
      before = now;
    }
  });
});

describe("the size of a ring", () => {
  test("is that of gRPC's TestRingNew: within its bounds, and in proportion", () => {
    for (const min of [3, 4, 6, 8]) {
      for (const max of [20, 8]) {
        const entries = grpcEntries([3, 3, 4], { min, max });
        const size = entries.reduce((sum, one) => sum + one, 0);
        expect(size).toBeGreaterThanOrEqual(min);
        expect(size).toBeLessThanOrEqual(max);
        for (const [at, one] of entries.entries()) {
          const [got, wanted] = [one / size, [0.3, 0.3, 0.4][at]!];
          expect(Math.abs(got - wanted) / ((got + wanted) / 2)).toBeLessThan(0.25);
        }
      }
    }
  });

  test("is not allowed to be out of order or out of bounds", () => {
    for (const [ringSize, message] of [
      [{ min: 0 }, "ringSize.min to 0: it must be an integer from 1 to 8388608"],
      [{ min: 5_000 }, "ringSize.min to 5000: it must be at most ringSize.max, which is 4096"],
      [{ max: 5 }, "ringSize.max to 5: it must be at least ringSize.min, which is 1024"],
      [{ max: 8_388_609 }, "ringSize.max to 8388609"],
      [{ min: 10, max: 5 }, "ringSize.min to 10: it must be at most ringSize.max, which is 5"],
    ] as const) {
      expect(() => ringHash({ ringSize })).toThrow(`the options of ringHash set ${message}`);
    }
    expect(() => ringHash({ entries: 0 })).toThrow("set entries to 0: it must be an integer from 1 to 8388608");
  });

  test("is not said in two ways", () => {
    expect(() => ringHash({ entries: 10, ringSize: {} })).toThrow("the options of ringHash set entries beside ringSize");
    expect(() => ringHash({ entries: 10, ringSize: undefined })).not.toThrow();
  });

  test("does not depend on the number of peers until there are very many", () => {
    expect(steadyEntries([10, 10], 128)).toEqual([128, 128]);
    expect(steadyEntries([10, 5, 1], 128)).toEqual([128, 64, 13]);
    expect(new Set(steadyEntries(Array.from({ length: 512 }, () => 1), 128))).toEqual(new Set([128]));
    expect(new Set(steadyEntries(Array.from({ length: 10_000 }, () => 1), 128))).toEqual(new Set([4]));
    expect(new Set(steadyEntries(Array.from({ length: 100_000 }, () => 1), 128))).toEqual(new Set([1]));
  });
});
