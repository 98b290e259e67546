/** Where a balancer takes chance and time from. */
export interface BalancerSources {
  /** Chance, from 0 to below 1. Default: a generator of its own, seeded by `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Time in milliseconds that never goes back. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** The clock that balancers use unless they are given another. */
export function monotonicMs(): number {
  return performance.now();
}

/**
 * A source of chance that allocates nothing, unlike `Math.random`, which makes
 * an object of each number (sfc32, by Chris Doty-Humphrey).
 *
 * @param seed gives the numbers to begin with, from 0 to below 1
 */
export function chance(seed: () => number = Math.random): () => number {
  let a = (seed() * 0x1_0000_0000) | 0;
  let b = (seed() * 0x1_0000_0000) | 0;
  let c = (seed() * 0x1_0000_0000) | 0;
  let turn = 1;
  const random = (): number => {
    const next = (a + b + turn) | 0;
    turn = (turn + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + next) | 0;
    return (next >>> 0) / 0x1_0000_0000;
  };
  // Until every bit of the seed has a part in every bit of the state.
  for (let mixed = 0; mixed < 12; mixed++) random();
  return random;
}
