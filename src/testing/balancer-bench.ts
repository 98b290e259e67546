import assert from "node:assert/strict";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import type { Balancer, CallInfo, Peer } from "../balancer/balancer.ts";
import { chance } from "../balancer/sources.ts";
import { instance } from "../contract/instance.ts";
import type { InstanceInit } from "../contract/instance.ts";
import type { TestBalancerOptions } from "./balancer-options.ts";

/** A peer whose statistics a case decides. */
export interface BenchPeer extends Peer {
  inFlight: number;
  sinceMs: number;
}

/** A balancer to test, with chance and time that are the same in every run. */
export class BalancerBench {
  readonly options: TestBalancerOptions;
  readonly balancer: Balancer;
  /** The balancer's time, in milliseconds. */
  nowMs = 1_000_000;

  constructor(options: TestBalancerOptions) {
    this.options = options;
    this.balancer = this.another();
  }

  /** Another balancer, with the same chance from the beginning. */
  another(): Balancer {
    return this.options.create({ random: chance(() => 0.3), now: () => this.nowMs });
  }

  /** The call of a turn: with a key of its own, for those that look at it. */
  call(turn: number): CallInfo {
    return { method: Health.method.check, hashKey: this.options.keyed === true ? `key ${turn}` : undefined };
  }

  /** Idle peers that are not new and answer in a millisecond. */
  peers(count: number, init: (at: number) => Partial<InstanceInit> = () => ({})): readonly BenchPeer[] {
    return Array.from({ length: count }, (_, at) => ({
      instance: instance({
        id: `peer-${at}`,
        component: "peer",
        services: [Health.typeName],
        channels: { protobuf: `http://10.0.0.${at}:80` },
        ...init(at),
      }),
      inFlight: 0,
      sinceMs: -Infinity,
      latency: { atMs: 0, expectedMs: () => 1 },
    }));
  }

  /** How often each peer is picked, by turns of a balancer that is given them. Nothing else may be picked. */
  counts(peers: readonly Peer[], turns: number, balancer: Balancer = this.balancer): readonly number[] {
    const pick = balancer(peers);
    const counts = new Map<Peer, number>(peers.map((peer) => [peer, 0]));
    for (let turn = 0; turn < turns; turn++) {
      const peer = pick(this.call(turn));
      assert.ok(peer !== undefined, `nothing was picked out of ${peers.length} peers`);
      const count = counts.get(peer);
      assert.ok(count !== undefined, `${peer.instance.id} was picked, which is not one of the peers`);
      counts.set(peer, count + 1);
    }
    return [...counts.values()];
  }

  /**
   * Fails unless counts are what weights make likely: by the chi-square test,
   * which one of three million correct balancers would fail.
   */
  assertSpread(counts: readonly number[], weights: readonly number[]): void {
    const { tolerance = 0 } = this.options;
    const turns = sum(counts);
    const expected = weights.map((weight) => (turns * weight) / sum(weights));
    const off = sum(counts.map((count, at) => (count - (expected[at] ?? 0)) ** 2 / (expected[at] ?? 0)));
    const freedom = counts.length - 1;
    // Wilson and Hilferty's approximation, for five standard deviations.
    const part = 2 / (9 * freedom);
    const bound = freedom * (1 - part + 5 * Math.sqrt(part)) ** 3 + turns * tolerance ** 2;
    assert.ok(
      off <= bound,
      `${counts.join(", ")} calls went to peers that should get about ${expected.map(Math.round).join(", ")} ` +
        `(chi-square ${off.toFixed(1)}, at most ${bound.toFixed(1)})`,
    );
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
