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
  /** In order. Their lowest bits are the number of the member, which is one of less than `#room`. */
  readonly #places: Float64Array;
  readonly #room: number;

  constructor(members: readonly RingMember[]) {
    const hasher = new Xxh64();
    this.#room = 2 ** Math.ceil(Math.log2(members.length));
    this.#places = new Float64Array(members.reduce((sum, { entries }) => sum + entries, 0));
    let next = 0;
    for (const [owner, { identity, entries }] of members.entries()) {
      for (let entry = 0; entry < entries; entry++) {
        hasher.digest(`${identity}_${entry}`);
        this.#places[next++] = this.#place(hasher.hash) + owner;
      }
    }
    this.#places.sort();
  }

  /** How many places there are. */
  get size(): number {
    return this.#places.length;
  }

  /** The member at a place, by the number of the place. */
  owner(at: number): number {
    return (this.#places[at] ?? 0) % this.#room;
  }

  /** The number of the first place at or after a hash. */
  find(hash: Word64): number {
    const wanted = this.#place(hash);
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

  /** The upper bits of a hash: of the 53 that a number holds, those that leave room for the member. */
  #place({ high, low }: Word64): number {
    const upper = (high >>> 0) * 0x20_0000 + (low >>> 11);
    return upper - (upper % this.#room);
  }
}
