import type { Limiter } from "./limiter.ts";

/** Options of {@link gradient2}; the defaults are Netflix's unless said otherwise. */
export interface Gradient2Options {
  /** Limit at the start. Default 20, within the bounds. */
  readonly initialLimit?: number | undefined;
  /** Lower bound of the limit. Default 20, or `maxLimit` when that is less. */
  readonly minLimit?: number | undefined;
  /** Upper bound of the limit. Default 200. */
  readonly maxLimit?: number | undefined;
  /** How far the limit goes towards each new estimate, up to 1. Default 0.2. */
  readonly smoothing?: number | undefined;
  /** Calls that may wait without the limit falling: what it grows by while times are low. Default 4. */
  readonly queueSize?: number | undefined;
  /** How many windows the long average of times looks back. Default 600. */
  readonly longWindow?: number | undefined;
  /** How many times the long average a time may be before the limit falls. Default 1.5. */
  readonly rttTolerance?: number | undefined;
  /** Shortest time between two estimates, in milliseconds. Default 1000. */
  readonly windowMs?: number | undefined;
  /** Fewest calls that an estimate is made from; it is made from a multiple of them. Default 10. */
  readonly windowCalls?: number | undefined;
  /** A monotonic clock, in milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** Windows whose plain mean the long average starts from. */
const warmUp = 10;

/**
 * A limit that follows from how long calls take (Gradient2 of Netflix's
 * concurrency-limits). Each window compares its mean time with the long
 * average: while calls are not slower than usual, the limit grows; when they
 * are, they queue somewhere, and it falls. A limit that is not half used stays.
 */
export function gradient2(options: Gradient2Options = {}): Limiter {
  return new Gradient2(options);
}

class Gradient2 implements Limiter {
  inFlight = 0;
  readonly #min: number;
  readonly #max: number;
  readonly #smoothing: number;
  readonly #queue: number;
  readonly #factor: number;
  readonly #tolerance: number;
  readonly #windowMs: number;
  readonly #windowCalls: number;
  readonly #now: () => number;
  #estimate: number;
  #long = 0;
  #windows = 0;
  // The window that is open.
  #endMs: number;
  #sumMs = 0;
  #calls = 0;
  #peak = 0;

  constructor(options: Gradient2Options) {
    this.#max = options.maxLimit ?? 200;
    this.#min = Math.min(options.minLimit ?? 20, this.#max);
    this.#smoothing = options.smoothing ?? 0.2;
    this.#queue = options.queueSize ?? 4;
    this.#factor = 2 / ((options.longWindow ?? 600) + 1);
    this.#tolerance = options.rttTolerance ?? 1.5;
    this.#windowMs = options.windowMs ?? 1_000;
    this.#windowCalls = options.windowCalls ?? 10;
    this.#now = options.now ?? (() => performance.now());
    this.#estimate = Math.max(this.#min, Math.min(this.#max, options.initialLimit ?? 20));
    this.#endMs = this.#now() + this.#windowMs;
  }

  get limit(): number {
    return Math.floor(this.#estimate);
  }

  acquire(): boolean {
    if (this.inFlight >= this.limit) return false;
    this.inFlight++;
    if (this.inFlight > this.#peak) this.#peak = this.inFlight;
    return true;
  }

  release(tookMs: number | undefined): void {
    this.inFlight--;
    if (tookMs === undefined) return;
    this.#sumMs += tookMs;
    this.#calls++;
    // The clock costs more than all else here: look at it once in so many calls.
    if (this.#calls % this.#windowCalls === 0 && this.#now() >= this.#endMs) this.#close();
  }

  #close(): void {
    this.#update(this.#sumMs / this.#calls, this.#peak);
    this.#endMs = this.#now() + this.#windowMs;
    this.#sumMs = 0;
    this.#calls = 0;
    this.#peak = this.inFlight;
  }

  #update(short: number, peak: number): void {
    this.#windows++;
    this.#long += (short - this.#long) * (this.#windows <= warmUp ? 1 / this.#windows : this.#factor);
    const long = this.#long;
    // Times are back to normal after long overload: do not wait for the average.
    if (long > 2 * short) this.#long *= 0.95;
    if (peak < this.#estimate / 2) return;
    const gradient = Math.max(0.5, Math.min(1, (this.#tolerance * long) / short));
    const next = this.#estimate * gradient + this.#queue;
    const smooth = this.#estimate * (1 - this.#smoothing) + next * this.#smoothing;
    this.#estimate = Math.max(this.#min, Math.min(this.#max, smooth));
  }
}
