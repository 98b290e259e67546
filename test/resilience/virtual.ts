/** Random numbers from 0 to below 1 that are the same for each seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

/** A clock whose time passes only while somebody lets it run: from timer to timer. */
export class VirtualClock {
  #nowMs = 0;
  #timers: Timer[] = [];

  readonly now = (): number => this.#nowMs;

  /** Runs something later. */
  after(ms: number, run: () => void): void {
    this.#timers.push({ atMs: this.#nowMs + ms, run });
  }

  /** As `sleep` of src/async, in virtual time. */
  readonly sleep = (ms: number, signal?: AbortSignal): Promise<boolean> => {
    if (signal?.aborted === true) return Promise.resolve(false);
    return new Promise((resolve) => {
      signal?.addEventListener("abort", () => { resolve(false); }, { once: true });
      this.after(ms, () => { resolve(true); });
    });
  };

  /** Lets time pass until nothing is left to do, or until a moment. */
  async run(untilMs: number = Infinity): Promise<void> {
    for (;;) {
      await settled();
      const next = this.#timers.reduce<Timer | undefined>(
        (least, timer) => (least === undefined || timer.atMs < least.atMs ? timer : least),
        undefined,
      );
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = next.atMs;
      next.run();
    }
    if (untilMs !== Infinity) this.#nowMs = untilMs;
  }
}

/** All promises that can settle now have settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
