import assert from "node:assert/strict";
import type { Peer } from "../balancer/balancer.ts";
import type { BalancerBench } from "./balancer-bench.ts";
import type { TestBalancerOptions } from "./balancer-options.ts";

type Cases = Readonly<Record<string, (bench: BalancerBench) => void>>;

/** The cases for what a balancer promises. */
export function balancerPromises(options: TestBalancerOptions): Cases {
  const { spread = "even", avoidsBusy = false, keyed = false, warmsUp = false } = options;
  return {
    ...(spread === "even" ? even : spread === "weight" ? byWeight : {}),
    ...(spread === "any" ? {} : always),
    ...(avoidsBusy ? busy : {}),
    ...(keyed ? keys : {}),
    ...(warmsUp ? warming : {}),
  };
}

const even: Cases = {
  "spreads calls evenly over idle peers": (bench) => {
    for (const size of [2, 3, 10, 64]) {
      bench.assertSpread(bench.counts(bench.peers(size), size * 1_000), Array.from({ length: size }, () => 1));
    }
  },
};

const byWeight: Cases = {
  "spreads calls over idle peers by their weights": (bench) => {
    for (const weights of [[10, 10], [1, 2, 3], [10, 1, 10, 5], [30, 7, 7, 7, 7, 11]]) {
      const peers = bench.peers(weights.length, (at) => ({ weight: weights[at] ?? 1 }));
      bench.assertSpread(bench.counts(peers, 20_000), weights);
    }
  },
};

const always: Cases = {
  "gives less to a peer in a warning, and nothing when its weight is 0": (bench) => {
    for (const warningWeight of [2, 0]) {
      const peers = bench.peers(4, (at) => (at === 1 ? { health: "warning", warningWeight } : {}));
      const counts = bench.counts(peers, 8_000);
      bench.assertSpread(counts.filter((_, at) => at !== 1), [1, 1, 1]);
      const most = warningWeight === 0 ? 0 : 1_000;
      assert.ok((counts[1] ?? 0) <= most, `${counts.join(", ")} calls, the second peer is in a warning`);
    }
  },
};

const busy: Cases = {
  "avoids a peer that has more calls running than the others": (bench) => {
    const peers = bench.peers(4);
    const [first] = peers;
    assert.ok(first !== undefined);
    first.inFlight = 50;
    const [count = 0] = bench.counts(peers, 1_000);
    assert.ok(count <= 125, `the busiest of 4 peers got ${count} of 1000 calls`);
  },

  "levels calls that do not end": (bench) => {
    const peers = bench.peers(10);
    const pick = bench.balancer(peers);
    for (let turn = 0; turn < 1_000; turn++) {
      const picked = pick(bench.call(turn));
      for (const peer of peers) if (peer === picked) peer.inFlight++;
    }
    const running = peers.map(({ inFlight }) => inFlight);
    assert.ok(Math.max(...running) <= 120, `1000 calls run on 10 peers as ${running.join(", ")}`);
  },
};

const keys: Cases = {
  "sends calls with the same key to the same peer": (bench) => {
    const pick = bench.balancer(bench.peers(10));
    for (let turn = 0; turn < 500; turn++) {
      assert.equal(pick(bench.call(turn)), pick(bench.call(turn)));
    }
  },

  "moves only the keys of a peer that goes": (bench) => {
    const peers = bench.peers(10);
    const pick = bench.balancer(peers);
    for (const gone of peers) {
      const rest = bench.balancer(peers.filter((peer) => peer !== gone));
      for (let turn = 0; turn < 500; turn++) {
        const [before, after]: Array<Peer | undefined> = [pick(bench.call(turn)), rest(bench.call(turn))];
        assert.ok(before === gone || before === after, "a key moved between two peers that stayed");
      }
    }
  },
};

const warming: Cases = {
  "gives a new peer less at first, and its full share later": (bench) => {
    const peers = bench.peers(4);
    const [fresh] = peers;
    assert.ok(fresh !== undefined);
    fresh.sinceMs = bench.nowMs;
    const [early = 0] = bench.counts(peers, 4_000);
    bench.nowMs += 3_600_000;
    const [late = 0] = bench.counts(peers, 4_000);
    assert.ok(early > 0 && early <= 500, `the new one of 4 peers got ${early} of 4000 calls at first`);
    assert.ok(late >= 750, `the new one of 4 peers got ${late} of 4000 calls an hour later`);
  },

  "does not slow peers down that are all new": (bench) => {
    const peers = bench.peers(4);
    for (const peer of peers) peer.sinceMs = bench.nowMs;
    const counts = bench.counts(peers, 4_000);
    bench.assertSpread(counts, [1, 1, 1, 1]);
  },
};
