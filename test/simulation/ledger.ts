import { Windows } from "./windows.ts";

/** What became of the calls of a simulation. */
export class Ledger {
  /** Calls by when they began. */
  readonly calls: Windows = new Windows();
  /** Answered calls by when they began. */
  readonly answered: Windows = new Windows();
  /** Answered calls by when they were answered. */
  readonly answers: Windows = new Windows();
  /** Attempts by when they began. */
  readonly attempts: Windows = new Windows();
  readonly #startedMs: number[] = [];
  readonly #tookMs: number[] = [];
  readonly #ok: boolean[] = [];

  /** A call ended: with an answer, or, after it had waited so long, without. */
  ended(startedMs: number, nowMs: number, ok: boolean): void {
    if (ok) {
      this.answered.add(startedMs);
      this.answers.add(nowMs);
    }
    this.#startedMs.push(startedMs);
    this.#tookMs.push(nowMs - startedMs);
    this.#ok.push(ok);
  }

  /** The share of the calls of a time that were answered, from 0 to 1. */
  success(fromMs: number = 0, untilMs: number = 1e9): number {
    const until = Math.min(untilMs, (this.#startedMs.at(-1) ?? 0) + 10_000);
    return this.answered.between(fromMs, until) / Math.max(1, this.calls.between(fromMs, until));
  }

  /** How long the calls of a time took, in order; those that failed count with the time that was lost. */
  latencies(fromMs: number = 0): Float64Array {
    return Float64Array.from(this.#tookMs.filter((_, at) => (this.#startedMs[at] ?? 0) >= fromMs)).sort();
  }

  /** How long the answers of a time took, in order. */
  answerTimes(fromMs: number = 0): Float64Array {
    const wanted = this.#tookMs.filter((_, at) => this.#ok[at] === true && (this.#startedMs[at] ?? 0) >= fromMs);
    return Float64Array.from(wanted).sort();
  }
}

/** The value below which a share of some ordered values lies. */
export function quantile(ordered: Float64Array | readonly number[], share: number): number {
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))] ?? 0;
}
