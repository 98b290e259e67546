import { between, notNegative } from "../contract/kind.ts";
import type { Kinds } from "../contract/kind.ts";
import { checkOptions } from "../contract/policy-source.ts";
import type { PolicySource } from "../contract/policy-source.ts";

/** How many repetitions a client may add to its calls. */
export interface RetryBudgetOptions {
  /** Repetitions for each call within `ttlMs`. Default 0.2. */
  readonly ratio?: number | undefined;
  /** Repetitions a second that are there in any case, for clients with few calls. Default 10. */
  readonly minPerSecond?: number | undefined;
  /** How long a call counts, in milliseconds. Default 10000. */
  readonly ttlMs?: number | undefined;
}

const kinds: Kinds<RetryBudgetOptions> = {
  ratio: notNegative,
  minPerSecond: notNegative,
  // In parts of a millisecond, time could not be counted any more.
  ttlMs: { ...between(1, Number.MAX_VALUE), must: "1 or more" },
};

/** Throws a configuration error for options that make no sense. */
export function checkRetryBudget(options: RetryBudgetOptions | undefined, source: PolicySource): void {
  checkOptions(source, "retryBudget", options, kinds);
}

const slots = 10;

/**
 * The repetitions that a client may add to the calls of a service: within any
 * `ttlMs`, a fifth of the calls and ten a second. So an outage raises the load
 * of what is left by a fifth, however many attempts a policy allows (the retry
 * budget of Finagle and Linkerd; gRPC has none). Allocates nothing; callers
 * bring the time, in milliseconds of any monotonic clock.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #reserve: number;
  readonly #slotMs: number;
  readonly #calls = new Float64Array(slots);
  readonly #repeats = new Float64Array(slots);
  #turn = -Infinity;

  constructor(options: RetryBudgetOptions = {}) {
    const ttlMs = options.ttlMs ?? 10_000;
    this.#ratio = options.ratio ?? 0.2;
    this.#reserve = ((options.minPerSecond ?? 10) * ttlMs) / 1_000;
    this.#slotMs = ttlMs / slots;
  }

  /** A call began. */
  deposit(nowMs: number): void {
    const at = this.#slot(nowMs);
    this.#calls[at] = (this.#calls[at] ?? 0) + 1;
  }

  /** Takes one repetition. False when there is none. */
  withdraw(nowMs: number): boolean {
    if (this.left(nowMs) < 1) return false;
    const at = this.#slot(nowMs);
    this.#repeats[at] = (this.#repeats[at] ?? 0) + 1;
    return true;
  }

  /** Repetitions that are left now; there may be a part of one. */
  left(nowMs: number): number {
    this.#slot(nowMs);
    let calls = 0;
    let repeats = 0;
    for (let at = 0; at < slots; at++) {
      calls += this.#calls[at] ?? 0;
      repeats += this.#repeats[at] ?? 0;
    }
    // Once at the end: parts of repetitions, added up, come out as a little less than a whole one.
    return this.#reserve + this.#ratio * calls - repeats;
  }

  /** The slot of a time; those that have become too old by then are emptied. */
  #slot(nowMs: number): number {
    const turn = Math.max(this.#turn, Math.floor(nowMs / this.#slotMs));
    for (let old = Math.max(this.#turn, turn - slots) + 1; old <= turn; old++) {
      this.#calls[old % slots] = 0;
      this.#repeats[old % slots] = 0;
    }
    this.#turn = turn;
    return turn % slots;
  }
}
