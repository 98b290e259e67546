import assert from "node:assert/strict";
import type { Peer } from "../balancer/balancer.ts";
import { allocatedBytes } from "./balancer-allocation.ts";
import type { BalancerBench } from "./balancer-bench.ts";

/** More than two numbers that V8 puts into objects, less than an array, a closure or an iterator. */
const maxBytes = 40;

/** What every balancer must do, by what must be so. */
export const balancerCases: Readonly<Record<string, (bench: BalancerBench) => void>> = {
  "picks nothing when there are no peers": (bench) => {
    const pick = bench.balancer([]);
    for (let turn = 0; turn < 10; turn++) assert.equal(pick(bench.call(turn)), undefined);
  },

  "picks a single peer always, whatever its state": (bench) => {
    const lame = { health: "warning", warningWeight: 0 } as const;
    for (const init of [{}, lame]) {
      const [peer] = bench.peers(1, () => init);
      assert.ok(peer !== undefined);
      peer.sinceMs = bench.nowMs;
      peer.inFlight = 1_000;
      assert.deepEqual(bench.counts([peer], 50), [50]);
    }
  },

  "picks only peers that it was given": (bench) => {
    for (const size of [2, 3, 7, 100]) bench.counts(bench.peers(size), size * 20);
  },

  "picks a peer when all are in a warning, new and busy": (bench) => {
    const peers = bench.peers(5, () => ({ health: "warning", warningWeight: 0 }));
    for (const peer of peers) {
      peer.sinceMs = bench.nowMs;
      peer.inFlight = 10_000;
    }
    bench.counts(peers, 100);
  },

  "does not change the peers or their order": (bench) => {
    const peers: readonly Peer[] = Object.freeze(bench.peers(9).toReversed().map((peer) => Object.freeze(peer)));
    const before = [...peers];
    bench.counts(peers, 100);
    assert.deepEqual(peers, before);
  },

  "keeps each set of peers to itself": (bench) => {
    const [old, now] = [bench.peers(6), bench.peers(3)];
    const [pickOld, pickNow] = [bench.balancer(old), bench.balancer(now)];
    for (let turn = 0; turn < 200; turn++) {
      const [one, other] = [pickOld(bench.call(turn)), pickNow(bench.call(turn))];
      assert.ok(old.some((peer) => peer === one), "a later set changed an earlier picker");
      assert.ok(now.some((peer) => peer === other), "an earlier set is still in use");
    }
  },

  "picks for calls with any key and with none": (bench) => {
    const pick = bench.balancer(bench.peers(5));
    const keys = ["", "a", "ключ", "\ud800", "😀", "x".repeat(10_000), "__proto__", undefined];
    for (const hashKey of keys) assert.ok(pick({ ...bench.call(0), hashKey }) !== undefined);
  },

  "picks for calls that have tried some peers, or all": (bench) => {
    const peers = bench.peers(4);
    const pick = bench.balancer(peers);
    for (let tried = 0; tried < peers.length; tried++) {
      const call = { ...bench.call(tried), tried: new Set<Peer>(peers.slice(0, tried)) };
      for (let turn = 0; turn < 20; turn++) {
        const picked = pick(call);
        assert.ok(peers.some((peer) => peer === picked));
      }
    }
    pick({ ...bench.call(0), tried: new Set<Peer>(peers) });
  },

  "picks the same again, given the same chance and time": (bench) => {
    const peers = bench.peers(10);
    const [one, other] = [bench.another()(peers), bench.another()(peers)];
    for (let turn = 0; turn < 300; turn++) {
      assert.equal(one(bench.call(turn))?.instance.id, other(bench.call(turn))?.instance.id);
    }
  },

  "allocates nothing to pick": (bench) => {
    const pick = bench.balancer(bench.peers(100));
    const calls = Array.from({ length: 64 }, (_, turn) => bench.call(turn));
    let turn = 0;
    let picked: Peer | undefined;
    const bytes = allocatedBytes(() => {
      const call = calls[++turn & 63];
      if (call !== undefined) picked = pick(call);
    }, 20_000, maxBytes);
    assert.ok(picked !== undefined);
    assert.ok(bytes <= maxBytes, `a pick allocates ${bytes.toFixed(0)} bytes`);
  },
};
