interface Entry {
  readonly atMs: number;
  /** Tells apart what is due at the same moment. */
  readonly turn: number;
  readonly run: () => void;
}

/**
 * What is to be done at moments of virtual time, the earliest first. What is
 * due at the same moment is done in the order in which it was planned, so that
 * a run is the same each time.
 */
export class Agenda {
  /** A binary heap: each entry is before both of those at twice its position. */
  readonly #heap: Entry[] = [];
  #turn = 0;

  /** The moment of the earliest entry; `Infinity` when there is none. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  /** Plans something. */
  add(atMs: number, run: () => void): void {
    const heap = this.#heap;
    const entry = { atMs, turn: this.#turn++, run };
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !before(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  /** Takes out the earliest entry. */
  take(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let least = heap[below];
      if (least === undefined) break;
      const other = heap[below + 1];
      if (other !== undefined && before(other, least)) {
        below++;
        least = other;
      }
      if (!before(least, last)) break;
      heap[at] = least;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function before(one: Entry, other: Entry): boolean {
  return one.atMs === other.atMs ? one.turn < other.turn : one.atMs < other.atMs;
}
