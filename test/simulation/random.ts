import { chance } from "../../src/balancer/sources.ts";
import { seeded } from "../resilience/virtual.ts";

/** Chance, from 0 to below 1. */
export type Random = () => number;

/** A time in milliseconds that is drawn anew at each call. */
export type Draw = (random: Random) => number;

/** Independent sources of chance that are the same for each seed. */
export function sources(seed: number): () => Random {
  const seeds = seeded(seed);
  return () => chance(seeds);
}

/** Times between events that do not know of each other. */
export function exponential(meanMs: number): Draw {
  return (random) => -Math.log(1 - random()) * meanMs;
}

/** Times around a median, some of them much longer: how services usually answer. */
export function logNormal(medianMs: number, sigma: number): Draw {
  return (random) => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return medianMs * Math.exp(sigma * radius * Math.cos(2 * Math.PI * random()));
  };
}

/** Mostly one kind of time, and now and then another. */
export function mixed(usual: Draw, rare: Draw, share: number): Draw {
  return (random) => (random() < share ? rare(random) : usual(random));
}

/** Always the same time. */
export function fixed(ms: number): Draw {
  return () => ms;
}
