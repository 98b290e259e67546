import { ringHash } from "../../../src/balancer/ring-hash.ts";
import type { RingHashOptions } from "../../../src/balancer/ring-hash.ts";
import { Xxh64 } from "../../../src/balancer/xxh64.ts";
import type { Balancer, Peer, Picker } from "../../../src/balancer/balancer.ts";
import { GreetService } from "../../../gen/greet/v1/greet_pb.ts";
import { instance } from "../../../src/contract/instance.ts";
import { PeakLatency } from "../../../src/balancer/latency.ts";
import type { Goal, Trial, Variant } from "../goal.ts";
import { seeded } from "../../resilience/virtual.ts";

const method = GreetService.method.greet;
const keyCount = 100_000;
/** Removals that are tried of one set of instances. */
const removals = 4;

/** What instances remember of keys is worth keeping when one of them goes. */
export const hashRing: Goal = {
  id: "G7",
  title: "Instances of a hash ring go",
  setting: `10 to 10 000 instances, 100 000 keys; one in a hundred instances goes, but at least one; mean of ${removals} times`,
  wanted: "≤ 1.2 × the share of those that go moves, nothing between instances that stay",
  seeds: 3,
  measures: [
    { key: "moved", name: "keys that move, of the share that goes", unit: "×" },
    { key: "between", name: "of these between instances that stay", unit: "%" },
    { key: "busiest", name: "keys of the busiest instance, of the mean", unit: "×" },
  ],
  variants: [
    ...[10, 100, 1_000, 10_000].map(
      (count): Variant => ({ name: `${count} instances`, role: "goal", run: run(count, ring({})) }),
    ),
    { name: "103 instances, a ring sized as gRPC does", role: "control", run: run(103, ring({ ringSize: {} })) },
    { name: "100 instances, hash modulo N", role: "control", run: run(100, modulo) },
  ],
  holds: ({ moved = Infinity, between = 1 }) => moved <= 1.2 && between === 0,
};

function ring(options: RingHashOptions): (random: () => number) => Balancer {
  return (random) => ringHash({ ...options, random, slowStart: false });
}

/** What one would do without a ring. */
function modulo(): Balancer {
  const hasher = new Xxh64();
  return (peers) =>
    ({ hashKey = "" }) => {
      hasher.digest(hashKey);
      return peers[(hasher.hash.low >>> 0) % peers.length];
    };
}

function run(count: number, balancer: (random: () => number) => Balancer): (seed: number) => Promise<Trial> {
  return async (seed) => {
    const random = seeded(seed);
    const peers = Array.from({ length: count }, (_, at) => peer(at, random));
    const balance = balancer(random);
    const keys = Array.from({ length: keyCount }, () => `key-${Math.floor(random() * 1e15)}`);
    const before = owners(balance(peers), keys);
    const leaving = Math.max(1, Math.floor(count / 100));
    let [moved, between] = [0, 0];
    for (let removal = 0; removal < removals; removal++) {
      const gone = new Set<Peer | undefined>();
      while (gone.size < leaving) gone.add(peers[Math.floor(random() * count)]);
      const after = owners(balance(peers.filter((one) => !gone.has(one))), keys);
      for (const [at, owner] of before.entries()) {
        if (after[at] === owner) continue;
        moved++;
        if (!gone.has(owner)) between++;
      }
    }
    const counts = new Map<Peer | undefined, number>();
    for (const owner of before) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    return {
      values: {
        moved: (moved / removals / keys.length) * (count / leaving),
        between: between / Math.max(1, moved),
        busiest: (Math.max(...counts.values()) / keys.length) * count,
      },
    };
  };
}

function owners(pick: Picker, keys: readonly string[]): ReadonlyArray<Peer | undefined> {
  return keys.map((hashKey) => pick({ method, hashKey }));
}

function peer(at: number, random: () => number): Peer {
  const [a, b, c] = [at >> 16, (at >> 8) & 255, at & 255];
  const channels = { protobuf: `http://10.${a}.${b}.${c}:${8_000 + Math.floor(random() * 1_000)}` };
  const of = instance({ id: `i${at}`, component: "simulated", services: [method.parent.typeName], channels });
  return { instance: of, inFlight: 0, latency: new PeakLatency(), sinceMs: -Infinity };
}
