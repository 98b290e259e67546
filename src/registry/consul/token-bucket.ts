import { sleep } from "../../async/sleep.ts";

/** Lets a burst through at once, then a fixed number a second. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perMs: number;
  #tokens: number;
  #at: number = performance.now();

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1_000;
    this.#tokens = burst;
  }

  /** Waits for a token. Resolves to false when the signal aborted instead. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const now = performance.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    this.#tokens -= 1;
    return this.#tokens >= 0 || sleep(-this.#tokens / this.#perMs, signal);
  }
}
