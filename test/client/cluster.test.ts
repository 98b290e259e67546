import { afterEach, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import type { Balancer, Peer } from "../../src/balancer/balancer.ts";
import { first } from "../../src/balancer/first.ts";
import { Cluster } from "../../src/client/cluster.ts";
import { Discovery } from "../../src/client/discovery.ts";
import type { Member } from "../../src/client/member.ts";
import { PeerPool } from "../../src/client/peer-pool.ts";
import { instance } from "../../src/contract/instance.ts";
import type { Instance } from "../../src/contract/instance.ts";
import { until } from "../../src/testing/until.ts";
import { ScriptedChannel } from "../support/scripted-channel.ts";
import { ScriptedRegistry } from "../support/scripted-registry.ts";

const call = { method: GreetService.method.greet };
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

function named(id: string, init: Partial<Instance> = {}): Instance {
  const channels = { protobuf: "http://127.0.0.1:1" };
  return instance({ id, component: "greeter", services: [GreetService.typeName], channels, ...init });
}

function instances(count: number): readonly Instance[] {
  return Array.from({ length: count }, (_, at) => named(`i${at}`));
}

/** A cluster whose balancer notes what it is given and picks in turn. */
async function scripted(...at: readonly Instance[]) {
  const registry = new ScriptedRegistry();
  const channel = new ScriptedChannel("protobuf", () => ({}));
  channel.reachable = () => false;
  const clock = { nowMs: 50_000 };
  const pool = new PeerPool(
    {
      readMaxBytes: 1,
      writeMaxBytes: 1,
      connectTimeoutMs: 1,
      cut: new AbortController().signal,
      hosted: { find: () => undefined },
    },
    // Pauses of minutes: nothing is tried again unless something asks for it.
    { now: () => clock.nowMs, random: () => 1_000 },
  );
  /** What the balancer was given, set by set. */
  const sets: Array<readonly Peer[]> = [];
  const balancer: Balancer = (peers) => {
    sets.push(peers);
    let turn = 0;
    return () => peers[turn++ % peers.length];
  };
  registry.show(...at);
  const discovery = new Discovery(registry, { service: GreetService.typeName }, 10_000);
  const cluster = new Cluster(discovery, pool, balancer);
  open.push({
    [Symbol.asyncDispose]: async () => {
      cluster.close();
      await discovery[Symbol.asyncDispose]();
      await pool.settled();
    },
  });
  await until(() => cluster.known);
  const pick = (tried?: ReadonlySet<Member>): Member | undefined => cluster.pick(channel, call, tried);
  const ids = (): readonly string[] => {
    pick();
    return sets.at(-1)?.map((peer) => peer.instance.id) ?? [];
  };
  const peer = (id: string): Member => {
    const found = new Set<Member>();
    for (let turn = 0; turn < 100; turn++) {
      const one = pick();
      if (one?.instance.id === id) return one;
      if (one !== undefined) found.add(one);
    }
    throw new Error(`${id} is not picked`);
  };
  return { registry, channel, clock, pool, cluster, sets, pick, ids, peer, discovery };
}

describe("a cluster", () => {
  test("balances over the peers that can be reached and were not ejected", async () => {
    const { channel, ids, peer } = await scripted(...instances(5));
    const [one, two] = [peer("i1"), peer("i2")];
    one.eject("success rate");
    expect(ids()).toEqual(["i0", "i2", "i3", "i4"]);
    channel.lose.get("i2")?.(new Error("reset"));
    expect(two.available).toBe(false);
    expect(ids()).toEqual(["i0", "i3", "i4"]);
    one.uneject();
    two.peer.answered();
    expect(ids()).toEqual(["i0", "i1", "i2", "i3", "i4"]);
  });

  test("when fewer than half look well, those that were ejected get calls again", async () => {
    const { ids, peer } = await scripted(...instances(4));
    const all = ["i0", "i1", "i2", "i3"].map(peer);
    all[0]?.eject("success rate");
    all[1]?.eject("success rate");
    expect(ids()).toEqual(["i2", "i3"]);
    all[2]?.eject("success rate");
    expect(ids()).toEqual(["i0", "i1", "i2", "i3"]);
    all[0]?.uneject();
    expect(ids()).toEqual(["i0", "i3"]);
  });

  test("those that cannot be reached count as not well, but get calls only when none can be", async () => {
    const { channel, ids, peer } = await scripted(...instances(4));
    const third = peer("i2");
    for (const id of ["i0", "i1"]) channel.lose.get(id)?.(new Error("reset"));
    expect(ids()).toEqual(["i2", "i3"]);
    third.eject("success rate");
    expect(ids()).toEqual(["i2", "i3"]);
    channel.lose.get("i2")?.(new Error("reset"));
    expect(ids()).toEqual(["i3"]);
    channel.lose.get("i3")?.(new Error("reset"));
    expect(ids()).toEqual(["i0", "i1", "i2", "i3"]);
  });

  test("makes one picker however many peers change before the next call", async () => {
    const { channel, ids, sets } = await scripted(...instances(50));
    ids();
    const before = sets.length;
    for (let at = 0; at < 20; at++) channel.lose.get(`i${at}`)?.(new Error("reset"));
    expect(sets.length).toBe(before);
    expect(ids()).toHaveLength(30);
    expect(sets.length).toBe(before + 1);
  });

  test("what was there from the start is not new; what comes later or comes back is", async () => {
    const { registry, channel, clock, ids, peer } = await scripted(named("a"));
    expect(peer("a").sinceMs).toBe(-Infinity);
    clock.nowMs = 60_000;
    registry.show(named("a"), named("b"));
    await until(() => ids().length === 2);
    expect([peer("a").sinceMs, peer("b").sinceMs]).toEqual([-Infinity, 60_000]);
    const [a, b] = [peer("a"), peer("b")];
    clock.nowMs = 70_000;
    channel.lose.get("a")?.(new Error("reset"));
    a.peer.answered();
    b.eject("success rate");
    clock.nowMs = 80_000;
    b.uneject();
    expect([a.sinceMs, b.sinceMs]).toEqual([70_000, 80_000]);
    clock.nowMs = 90_000;
    registry.show(named("a", { weight: 5 }), named("b"), named("c"));
    await until(() => ids().length === 3);
    expect([a.sinceMs, a.instance.weight, peer("c").sinceMs]).toEqual([70_000, 5, 90_000]);
  });

  test("is not new over a channel that is first used later", async () => {
    const channels = { protobuf: "http://127.0.0.1:1", json: "http://127.0.0.1:1" };
    const { registry, cluster, ids } = await scripted(named("a", { channels }));
    registry.show(named("a", { channels }), named("b"));
    await until(() => ids().length === 2);
    const late = cluster.pick(new ScriptedChannel("json", () => ({})), call, undefined);
    expect([late?.instance.id, late?.sinceMs]).toEqual(["a", -Infinity]);
  });

  test("a second cluster does not take as new what the first knows", async () => {
    const { registry, channel, clock, pool, discovery, peer, ids } = await scripted(named("a"));
    expect(peer("a").sinceMs).toBe(-Infinity);
    clock.nowMs = 60_000;
    registry.show(named("a"), named("b"));
    await until(() => ids().length === 2);
    clock.nowMs = 99_000;
    const other = new Cluster(discovery, pool, first());
    const [a, b] = [peer("a"), peer("b")];
    const one = other.pick(channel, call, undefined);
    expect(one?.peer).toBe(a.peer);
    expect(one && other.pick(channel, call, new Set([one]))?.peer).toBe(b.peer);
    expect(peer("b").sinceMs).toBe(60_000);
    other.close();
  });

  test("ejects for itself: another cluster has its own view of the same peer", async () => {
    const { channel, pool, discovery, ids, peer } = await scripted(...instances(3));
    const other = new Cluster(discovery, pool, first());
    peer("i0").eject("failure percentage");
    expect(ids()).toEqual(["i1", "i2"]);
    expect(other.pick(channel, call, undefined)?.instance.id).toBe("i0");
    other.close();
  });

  test("an attempt that was in vain is followed by another peer, in any case", async () => {
    const { pick, peer } = await scripted(...instances(20));
    const tried = new Set<Member>();
    for (let turn = 0; turn < 20; turn++) {
      const next = pick(tried);
      expect(next).toBeDefined();
      if (next !== undefined) tried.add(next);
    }
    expect(tried.size).toBe(20);
    expect(pick(tried)).toBeUndefined();
    tried.delete(peer("i7"));
    for (let turn = 0; turn < 10; turn++) expect(pick(tried)?.instance.id).toBe("i7");
  });

  test("an ejected peer is the last resort of a call that has tried all others", async () => {
    const { pick, peer } = await scripted(...instances(4));
    const [ejected, ...others] = ["i0", "i1", "i2", "i3"].map(peer);
    ejected?.eject("success rate");
    expect(pick(new Set(others))).toBe(ejected);
  });

  test("tells its balancer which peers a call has tried", async () => {
    const { registry, channel, pool, discovery } = await scripted(...instances(3));
    expect(registry.watches).toBe(1);
    const seen: unknown[] = [];
    const cluster = new Cluster(discovery, pool, (peers) => (info) => {
      seen.push(info.hashKey, info.tried?.size);
      return peers.find((peer) => info.tried?.has(peer) !== true);
    });
    const one = cluster.pick(channel, { ...call, hashKey: "k" }, undefined);
    if (one === undefined) throw new Error("nothing was picked");
    expect(cluster.pick(channel, { ...call, hashKey: "k" }, new Set([one]))).not.toBe(one);
    expect(seen).toEqual(["k", undefined, "k", 1]);
    cluster.close();
  });
});

describe("reaching lost peers again", () => {
  test("when one is back, the others are tried at once instead of after their pause", async () => {
    const { channel, clock, ids, peer } = await scripted(...instances(6));
    const back = peer("i3");
    for (let at = 0; at < 6; at++) channel.lose.get(`i${at}`)?.(new Error("reset"));
    channel.reachable = () => true;
    clock.nowMs += 1_000;
    back.peer.answered();
    await until(() => ids().length === 6);
    expect(channel.probes).toBe(5);
  });

  test("but not more often than once a second", async () => {
    const { channel, ids, peer } = await scripted(...instances(3));
    const back = peer("i0");
    for (let at = 0; at < 3; at++) channel.lose.get(`i${at}`)?.(new Error("reset"));
    back.peer.answered();
    expect(ids()).toEqual(["i0"]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(channel.probes).toBe(0);
  });
});
