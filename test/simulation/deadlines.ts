import type { VirtualTime } from "./virtual-time.ts";

/** Something that ends when its time is over, unless it has ended before. */
export interface Expiring {
  readonly startedMs: number;
  readonly done: boolean;
  /** Its time is over. */
  expire(): void;
}

/**
 * Ends what began when the same time has passed for each. They end in the order
 * in which they began, so only the first that is open needs an event.
 */
export class Deadlines {
  readonly #time: VirtualTime;
  readonly #limitMs: number;
  #open: Expiring[] = [];
  #next = 0;
  #watching = false;

  /** @param limitMs how long each may take, in milliseconds */
  constructor(time: VirtualTime, limitMs: number) {
    this.#time = time;
    this.#limitMs = limitMs;
  }

  /** Watches what begins now. */
  add(one: Expiring): void {
    this.#open.push(one);
    if (!this.#watching) this.#watch();
  }

  #watch(): void {
    for (let first = this.#open[this.#next]; first !== undefined; first = this.#open[++this.#next]) {
      if (first.done) continue;
      this.#watching = true;
      this.#time.at(first.startedMs + this.#limitMs, () => {
        first.expire();
        this.#watching = false;
        this.#watch();
      });
      break;
    }
    if (this.#next < 1_000 || this.#next * 2 < this.#open.length) return;
    this.#open = this.#open.slice(this.#next);
    this.#next = 0;
  }
}
