import type { Latency } from "./balancer.ts";

/** Shape of a {@link PeakLatency}. */
export interface PeakLatencyOptions {
  /** How fast old observations lose weight: to 37 % in this many milliseconds. Default 10000. */
  readonly tauMs?: number | undefined;
  /** A failure counts as this many times what was observed last. Default 3. */
  readonly failureFactor?: number | undefined;
  /** What a failure counts as while nothing was observed, in milliseconds. Default 1000. */
  readonly firstFailureMs?: number | undefined;
  /** The most that a failure counts as, unless it took longer, in milliseconds. Default 5000. */
  readonly maxFailureMs?: number | undefined;
}

/** Units of a millisecond in which latency is kept. */
const perMs = 1_000;

/**
 * A moving average of latency that is quick to believe bad news: a slow answer
 * counts in full at once, a fast one only as time passes, and without answers
 * it decays towards 0, so that a peer that was slow is tried again (Finagle's
 * `PeakEwma`).
 *
 * A failure counts as a slow answer even when it came fast. Otherwise an
 * instance that rejects everything in a millisecond would look like the best
 * one. Consecutive failures add up; one among many successes is soon forgotten.
 */
export class PeakLatency implements Latency {
  // Small integers, which V8 keeps in the object itself: nothing is allocated,
  // and a pick among thousands of peers has less memory to wait for: what
  // it looks at stands together.
  /** In microseconds; 0 while nothing was observed. */
  #cost = 0;
  /** In whole milliseconds. */
  #atMs = 0;
  readonly #tauMs: number;
  readonly #failureFactor: number;
  readonly #firstFailure: number;
  readonly #maxFailure: number;

  constructor(options: PeakLatencyOptions = {}) {
    this.#tauMs = options.tauMs ?? 10_000;
    this.#failureFactor = options.failureFactor ?? 3;
    this.#firstFailure = (options.firstFailureMs ?? 1_000) * perMs;
    this.#maxFailure = (options.maxFailureMs ?? 5_000) * perMs;
  }

  get atMs(): number {
    return this.#atMs;
  }

  expectedMs(nowMs: number): number {
    return (this.#cost / perMs) * this.#remaining(nowMs);
  }

  /** A call was answered after a time. */
  observe(tookMs: number, nowMs: number): void {
    const took = tookMs * perMs;
    if (took >= this.#cost) {
      this.#set(took, nowMs);
      return;
    }
    const old = this.#remaining(nowMs);
    this.#set(this.#cost * old + took * (1 - old), nowMs);
  }

  /** A call failed after a time, in a way that speaks against the peer. */
  fail(tookMs: number, nowMs: number): void {
    const penalty = this.#cost === 0 ? this.#firstFailure : this.#cost * this.#failureFactor;
    this.#set(Math.max(tookMs * perMs, Math.min(penalty, this.#maxFailure)), nowMs);
  }

  /** A call was given up after a time: an answer would have taken longer. */
  exceed(tookMs: number, nowMs: number): void {
    if (tookMs * perMs > this.#cost) this.#set(tookMs * perMs, nowMs);
  }

  /**
   * The peer is back after it could not be used: what it took before says nothing
   * any more, and would keep calls from it for several times `tauMs`.
   */
  forget(): void {
    this.#cost = 0;
  }

  /**
   * The same where calls still run, such as streams: a peer that nothing is known
   * of would get no other one before they end. No more is expected from now on
   * than what reaching it took.
   */
  restart(tookMs: number, nowMs: number): void {
    const known = this.#cost * this.#remaining(nowMs);
    if (known > 0) this.#set(Math.min(known, tookMs * perMs), nowMs);
  }

  /** How much of the last observation still counts. */
  #remaining(nowMs: number): number {
    const passed = (nowMs - this.#atMs) / this.#tauMs;
    if (passed <= 0) return 1;
    // Between calls that follow each other quickly, this is right to four digits and takes no time.
    return passed < 1 / 64 ? 1 - passed : Math.exp(-passed);
  }

  #set(cost: number, nowMs: number): void {
    // No answer is so fast that it looks like none, and none so slow that it does not fit.
    this.#cost = Math.min(Math.max(Math.round(cost), 1), 0x3fff_ffff);
    this.#atMs = Math.floor(nowMs);
  }
}
