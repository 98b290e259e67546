import type { Word64 } from "./word64.ts";
import { Xxh64 } from "./xxh64.ts";

/** One peer on a ring. */
export interface RingMember {
  /** What its places on the ring depend on. */
  readonly identity: string;
  /** How many places it has. */
  readonly entries: number;
}

/** Places on a circle of hashes; each belongs to a member (gRFC A42). */
export class Ring {
  /** In order. */
  readonly #places: Float64Array;
  readonly #owners: Uint32Array;

  constructor(members: readonly RingMember[]) {
    const hasher = new Xxh64();
    // What sorts has the member in its lowest bits: numbers sort much faster than pairs do.
    const room = 2 ** Math.ceil(Math.log2(members.length));
    const places = new Float64Array(members.reduce((sum, { entries }) => sum + entries, 0));
    let next = 0;
    for (const [owner, { identity, entries }] of members.entries()) {
      for (let entry = 0; entry < entries; entry++) {
        hasher.digest(`${identity}_${entry}`);
        const at = place(hasher.hash);
        places[next++] = at - (at % room) + owner;
      }
    }
    this.#places = places.sort();
    this.#owners = Uint32Array.from(places, (at) => at % room);
  }

  /** How many places there are. */
  get size(): number {
    return this.#places.length;
  }

  /** The member at a place, by the number of the place. */
  owner(at: number): number {
    return this.#owners[at] ?? 0;
  }

  /** The number of the first place at or after a hash. */
  find(hash: Word64): number {
    const wanted = place(hash);
    const places = this.#places;
    let from = 0;
    let until = places.length;
    while (from < until) {
      const middle = (from + until) >>> 1;
      if ((places[middle] ?? 0) < wanted) from = middle + 1;
      else until = middle;
    }
    return from === places.length ? 0 : from;
  }
}

/** The upper 53 bits of a hash, which is what a number holds: more than enough to tell places apart. */
function place({ high, low }: Word64): number {
  return (high >>> 0) * 0x20_0000 + (low >>> 11);
}
