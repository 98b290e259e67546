import { type Instance, instance } from "../../../src/contract/instance.ts";
import { type MeshEvents, subscribe } from "../../../src/events.ts";
import { type Tuning, tuning } from "../../../src/registry/consul/tuning.ts";

/** A generator of numbers from 0 to 1 that gives the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The production's tuning with short pauses and seeded chance. */
export function quick(more: Partial<Tuning> = {}): Tuning {
  return {
    ...tuning,
    random: seeded(7),
    queryBackoff: { initialMs: 50, maxMs: 200 },
    deniedBackoff: { initialMs: 50, maxMs: 200 },
    leaseBackoff: { initialMs: 50, maxMs: 200 },
    rejoinMs: 50,
    ...more,
  };
}

/** The service that the tests look for. */
export const service = "shop.v1.Orders";

/** An instance of the component `orders`. */
export function orders(id: string, more: Partial<Instance> = {}): Instance {
  return instance({
    id,
    component: "orders",
    services: [service],
    channels: { protobuf: "http://127.0.0.1:4001" },
    ...more,
  });
}

/** Collects the states of a lease, from the events. */
export function leaseStates(id: string): { readonly states: string[] } & Disposable {
  const states: string[] = [];
  const stop = subscribe("registry.lease", (event: MeshEvents["registry.lease"]) => {
    if (event.instance.id === id) states.push(event.state);
  });
  return { states, [Symbol.dispose]: stop };
}
