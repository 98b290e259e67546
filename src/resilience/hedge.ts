import { Code, ConnectError } from "@connectrpc/connect";
import { sleep } from "../async/sleep.ts";
import type { HedgingPolicy } from "../contract/policy.ts";
import { progressOf } from "../protocol/progress.ts";
import { pushbackOf } from "./pushback.ts";
import type { Pushback } from "./pushback.ts";
import type { Quantile } from "./quantile.ts";
import { failsAgain } from "./retry.ts";
import type { RetryGuard } from "./retry-guard.ts";

/** What followed a copy that failed: another one, at once or later, or why there was none. */
export interface HedgeVerdict {
  /**
   * `code` and `pushback` say why another copy follows, after `afterMs`;
   * without that time, and otherwise, they say what ended the call.
   */
  readonly next: "code" | "pushback" | "attempts" | "deadline" | "budget" | "throttled" | "left to the other copies";
  /** Pause before the next copy, in milliseconds; undefined when none follows. */
  readonly afterMs?: number | undefined;
}

/**
 * Makes one attempt of a hedged call, until the signal aborts.
 *
 * @param index counts from 0, and so says how many attempts there were before
 * @param waits told true when the attempt has no peer and waits for one, and
 * false once it has one. An attempt that never says so has one from the start.
 */
export type HedgeAttempt<T> = (signal: AbortSignal, index: number, waits: (waiting: boolean) => void) => Promise<T>;

/** Options of {@link hedge}. */
export interface HedgeOptions {
  readonly policy: HedgingPolicy;
  readonly guard: RetryGuard;
  /** Ends the call: its deadline, or its caller. */
  readonly signal: AbortSignal;
  /** What is left of the deadline, in milliseconds. Default no end. */
  readonly left?: (() => number) | undefined;
  /**
   * How long attempts at the method take. {@link hedge} adds to it, and a
   * policy with the delay `p95` reads it; without a value nothing is sent twice
   * for being late.
   */
  readonly latency?: Quantile | undefined;
  /**
   * Hears what followed the failure of an attempt, by its index; once more
   * when the copy that was to follow a pushback's pause is not sent after all.
   */
  readonly followed?: ((index: number, verdict: HedgeVerdict) => void) | undefined;
  /** A monotonic clock, in milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Waits, as {@link sleep} does, which is the default. */
  readonly sleep?: typeof sleep | undefined;
}

/**
 * Makes a call that may be carried out more than once, and sends further copies
 * of it while there is no answer (gRFC A6, "Hedging Policy"). The first answer,
 * or the first failure that is fatal, is that of the call; what else runs is
 * aborted. A copy that fails with a non-fatal code, or with
 * `resource_exhausted` when the server says when to come back, is followed by
 * the next at once; a pushback puts that off, or ends further copies while
 * those that run go on. A pause that the deadline would cut off is not begun.
 * Every further copy takes from the guard's budget; when its budget or throttle
 * refuses one, none follows. When all have failed, the last failure counts.
 *
 * While the newest copy waits for a peer no other follows: it would wait for
 * the same, and all of them would be sent when the peer comes.
 *
 * @param attempt makes one attempt. It repeats by itself what was never sent.
 */
export function hedge<T>(attempt: HedgeAttempt<T>, options: HedgeOptions): Promise<T> {
  return new Hedge(attempt, options).promise;
}

class Hedge<T> {
  readonly promise: Promise<T>;
  readonly #attempt: HedgeAttempt<T>;
  readonly #options: HedgeOptions;
  readonly #now: () => number;
  /** The attempts that run, and since when; undefined while one waits for a peer. */
  readonly #running = new Map<AbortController, number | undefined>();
  readonly #settle: PromiseWithResolvers<T>;
  #newest: AbortController | undefined;
  #timer: AbortController | undefined;
  #started = 0;
  /** Until when a server wants no further copy. */
  #pushedMs = -Infinity;
  /** No further copies: a server, the guard or the deadline said so. */
  #halted: HedgeVerdict["next"] | undefined;
  #done = false;
  #failure: ConnectError | undefined;

  constructor(attempt: HedgeAttempt<T>, options: HedgeOptions) {
    this.#attempt = attempt;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#settle = Promise.withResolvers();
    this.promise = this.#settle.promise;
    if (options.signal.aborted) this.#aborted();
    else {
      options.signal.addEventListener("abort", this.#aborted, { once: true });
      this.#launch();
    }
  }

  readonly #aborted = (): void => {
    const { reason } = this.#options.signal;
    if (this.#finish(reason)) this.#settle.reject(reason);
  };

  /** What stands against another attempt, but for the guard. */
  get #obstacle(): HedgeVerdict["next"] | undefined {
    return this.#halted ?? (this.#started >= this.#options.policy.maxAttempts ? "attempts" : undefined);
  }

  /** Whether the newest attempt is still to be sent. */
  get #waiting(): boolean {
    return this.#newest !== undefined && this.#running.has(this.#newest) && this.#running.get(this.#newest) === undefined;
  }

  /** Starts the next attempt, and the clock for the one after it. Returns what stands against it. */
  #launch(): HedgeVerdict["next"] | undefined {
    const obstacle = this.#obstacle;
    if (this.#done || obstacle !== undefined) return obstacle;
    const now = this.#now();
    if (this.#started > 0) this.#halted = this.#options.guard.admit(now);
    if (this.#halted !== undefined) return this.#halted;
    const own = new AbortController();
    this.#running.set(own, now);
    this.#newest = own;
    void this.#run(own, this.#started++);
    if (this.#newest === own && !this.#waiting) this.#clock();
    return undefined;
  }

  /** Starts the clock for the next attempt: the newest has a peer. */
  #clock(): void {
    const { policy, latency } = this.#options;
    const delayMs = policy.delayMs === "p95" ? latency?.value : policy.delayMs;
    if (delayMs === undefined) return;
    const ms = Math.max(delayMs, this.#pushedMs - this.#now());
    if (ms > 0) this.#launchIn(ms);
    else this.#launch();
  }

  /** @param after index of the attempt whose server asked for the pause, if one did */
  #launchIn(ms: number, after?: number): void {
    this.#timer?.abort();
    if (this.#done || this.#obstacle !== undefined) return;
    const timer = new AbortController();
    this.#timer = timer;
    void (this.#options.sleep ?? sleep)(ms, timer.signal).then((passed) => {
      if (!passed) return;
      const next = this.#launch();
      if (after !== undefined && next !== undefined) this.#options.followed?.(after, { next });
      this.#endIfOver();
    });
  }

  /** An attempt waits for a peer, or has one. */
  #waits(own: AbortController, waiting: boolean): void {
    if (!this.#running.has(own) || waiting === (this.#running.get(own) === undefined)) return;
    this.#running.set(own, waiting ? undefined : this.#now());
    if (own !== this.#newest) return;
    if (waiting) this.#timer?.abort();
    else this.#clock();
  }

  async #run(own: AbortController, index: number): Promise<void> {
    try {
      const answer = await this.#attempt(own.signal, index, (waiting) => { this.#waits(own, waiting); });
      const since = this.#running.get(own);
      if (since !== undefined) this.#options.latency?.record(this.#now() - since);
      this.#running.delete(own);
      if (!this.#finish(lost())) return;
      this.#options.guard.succeeded();
      this.#settle.resolve(answer);
    } catch (thrown) {
      if (this.#done) return;
      const sent = this.#running.get(own) !== undefined;
      this.#running.delete(own);
      const error = ConnectError.from(thrown);
      this.#failure = error;
      if (sent) this.#failed(index, error);
      // Where one found no peer, another finds none.
      else if (this.#options.policy.nonFatalCodes.includes(error.code)) this.#halted ??= "code";
      else this.#fail(error);
      this.#endIfOver();
    }
  }

  /** What follows the failure of an attempt that was sent. */
  #failed(index: number, error: ConnectError): void {
    const { policy, guard } = this.#options;
    const pushback = pushbackOf(error);
    const invited = error.code === Code.ResourceExhausted && typeof pushback === "number";
    const fatal = failsAgain(progressOf(error), error) || (!invited && !policy.nonFatalCodes.includes(error.code));
    if (!fatal || pushback === "never") guard.failed();
    if (fatal) {
      this.#options.followed?.(index, { next: "code" });
      this.#fail(error);
      return;
    }
    if (typeof pushback === "number") this.#pushedMs = this.#now() + pushback;
    if (pushback === "never") this.#halted ??= "pushback";
    const verdict = this.#follow(index, pushback);
    this.#options.followed?.(index, verdict);
  }

  #follow(index: number, pushback: Pushback | undefined): HedgeVerdict {
    const others = this.#running.size > 0;
    const afterMs = typeof pushback === "number" ? pushback : 0;
    // Without a pause there is nothing to cut off.
    const late = afterMs > 0 && afterMs >= (this.#options.left?.() ?? Infinity);
    if (late && !others) this.#halted ??= "deadline";
    let obstacle = this.#obstacle;
    if (obstacle === undefined && !this.#waiting) {
      if (afterMs > 0) this.#launchIn(afterMs, index);
      else obstacle = this.#launch();
      if (obstacle === undefined && !late) return { next: pushback === undefined ? "code" : "pushback", afterMs };
    }
    // While others run, what stands against another is not the end.
    return { next: others || obstacle === undefined ? "left to the other copies" : obstacle };
  }

  #fail(reason: unknown): void {
    if (this.#finish(lost())) this.#settle.reject(reason);
  }

  /** Nothing runs and nothing more will: the last failure is that of the call. */
  #endIfOver(): void {
    if (this.#obstacle !== undefined && this.#running.size === 0) this.#fail(this.#failure);
  }

  /** Ends all that runs. False when it had ended before. */
  #finish(reason: unknown): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#options.signal.removeEventListener("abort", this.#aborted);
    this.#timer?.abort();
    for (const [own, since] of this.#running) {
      if (since !== undefined) this.#recordAtLeast(this.#now() - since);
      own.abort(reason);
    }
    this.#running.clear();
    return true;
  }

  /**
   * An attempt that was ended would have taken longer. Its time counts when it
   * was late: without the slowest, the delay would shrink from call to call.
   */
  #recordAtLeast(ms: number): void {
    const { latency } = this.#options;
    if (ms >= (latency?.value ?? Infinity)) latency?.record(ms);
  }
}

function lost(): ConnectError {
  return new ConnectError("another attempt decided the call first", Code.Canceled);
}
