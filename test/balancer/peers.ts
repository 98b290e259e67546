import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import type { CallInfo, Latency, Peer, Picker } from "../../src/balancer/balancer.ts";
import { instance } from "../../src/contract/instance.ts";
import type { Instance } from "../../src/contract/instance.ts";

/** A peer whose statistics the test decides. */
export interface ScriptedPeer extends Peer {
  inFlight: number;
  sinceMs: number;
  latency: Latency;
  instance: Instance;
}

/** A call that has no key. */
export const call: CallInfo = { method: GreetService.method.greet };

/** A call with a key. */
export function keyed(hashKey: string): CallInfo {
  return { ...call, hashKey };
}

/** An idle peer that answers in a millisecond. */
export function peer(id: string, init: Partial<Instance> = {}): ScriptedPeer {
  return {
    instance: instance({ id, component: "c", services: [], channels: {}, ...init }),
    inFlight: 0,
    sinceMs: -Infinity,
    latency: { atMs: 0, expectedMs: () => 1 },
  };
}

/** Idle peers named `i0`, `i1` and so on. */
export function peers(count: number, init: Partial<Instance> = {}): readonly ScriptedPeer[] {
  return Array.from({ length: count }, (_, at) => peer(`i${at}`, init));
}

/** Idle peers with weights. */
export function ofWeights(...weights: readonly number[]): readonly ScriptedPeer[] {
  return weights.map((weight, at) => peer(`i${at}`, { weight }));
}

/** How often each peer is picked in a number of turns. */
export function count(pick: Picker, all: readonly Peer[], turns: number, of: (turn: number) => CallInfo = () => call): readonly number[] {
  const counts = new Map<Peer | undefined, number>(all.map((one) => [one, 0]));
  for (let turn = 0; turn < turns; turn++) {
    const picked = pick(of(turn));
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  return all.map((one) => counts.get(one) ?? 0);
}

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
}

/** The values given, one after the other and over again. */
export function sequence(...values: readonly number[]): () => number {
  let next = 0;
  return () => values[next++ % values.length] ?? 0;
}
