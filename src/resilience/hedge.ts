import { Code, ConnectError } from "@connectrpc/connect";
import { sleep } from "../async/sleep.ts";
import type { HedgingPolicy } from "../contract/policy.ts";
import { pushbackOf } from "./pushback.ts";
import type { Quantile } from "./quantile.ts";
import type { RetryGuard } from "./retry-guard.ts";

/** Options of {@link hedge}. */
export interface HedgeOptions {
  readonly policy: HedgingPolicy;
  readonly guard: RetryGuard;
  /** Ends the call: its deadline, or its caller. */
  readonly signal: AbortSignal;
  /**
   * How long attempts at the method take. {@link hedge} adds to it, and a
   * policy with the delay `p95` reads it; without a value nothing is sent twice
   * for being late.
   */
  readonly latency?: Quantile | undefined;
  /** A monotonic clock, in milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Waits, as {@link sleep} does, which is the default. */
  readonly sleep?: typeof sleep | undefined;
}

/**
 * Makes a call that may be carried out more than once, and sends further copies
 * of it while there is no answer (gRFC A6, "Hedging Policy"). The first answer,
 * or the first failure that is fatal, is that of the call; what else runs is
 * aborted. A copy that fails with a non-fatal code is followed by the next at
 * once; a pushback puts that off, or ends further copies while those that run
 * go on. Every further copy takes from the guard's budget; when its budget or
 * throttle refuses one, none follows. When all have failed, the last failure
 * counts.
 *
 * @param attempt makes one attempt; `index` counts from 0, and so says how many
 * there were before. It repeats by itself what was never sent.
 */
export function hedge<T>(
  attempt: (signal: AbortSignal, index: number) => Promise<T>,
  options: HedgeOptions,
): Promise<T> {
  return new Hedge(attempt, options).promise;
}

class Hedge<T> {
  readonly promise: Promise<T>;
  readonly #attempt: (signal: AbortSignal, index: number) => Promise<T>;
  readonly #options: HedgeOptions;
  readonly #now: () => number;
  /** The attempts that run, and since when. */
  readonly #running = new Map<AbortController, number>();
  readonly #settle: PromiseWithResolvers<T>;
  #timer: AbortController | undefined;
  #started = 0;
  /** No further copies: a server or the guard said so. */
  #halted = false;
  #done = false;
  #failure: ConnectError | undefined;

  constructor(attempt: (signal: AbortSignal, index: number) => Promise<T>, options: HedgeOptions) {
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

  /** Starts the next attempt, and the clock for the one after it. */
  #launch(): void {
    const { policy, guard } = this.#options;
    if (this.#halted || this.#done || this.#started >= policy.maxAttempts) return;
    const now = this.#now();
    if (this.#started > 0 && guard.admit(now) !== undefined) {
      this.#halted = true;
      return;
    }
    const own = new AbortController();
    this.#running.set(own, now);
    void this.#run(own, this.#started++);
    const delayMs = policy.delayMs === "p95" ? this.#options.latency?.value : policy.delayMs;
    if (delayMs === 0) this.#launch();
    else if (delayMs !== undefined) this.#launchIn(delayMs);
  }

  #launchIn(ms: number): void {
    this.#timer?.abort();
    if (this.#halted || this.#done || this.#started >= this.#options.policy.maxAttempts) return;
    const timer = new AbortController();
    this.#timer = timer;
    void (this.#options.sleep ?? sleep)(ms, timer.signal).then((passed) => {
      if (!passed) return;
      this.#launch();
      this.#endIfOver();
    });
  }

  async #run(own: AbortController, index: number): Promise<void> {
    try {
      const answer = await this.#attempt(own.signal, index);
      const since = this.#running.get(own);
      if (since !== undefined) this.#options.latency?.record(this.#now() - since);
      this.#running.delete(own);
      if (!this.#finish(lost())) return;
      this.#options.guard.succeeded();
      this.#settle.resolve(answer);
    } catch (error) {
      this.#running.delete(own);
      if (!this.#done) this.#failed(ConnectError.from(error));
    }
  }

  #failed(error: ConnectError): void {
    const { policy, guard } = this.#options;
    const pushback = pushbackOf(error);
    const fatal = !policy.nonFatalCodes.includes(error.code);
    if (!fatal || pushback === "never") guard.failed();
    this.#failure = error;
    if (fatal || pushback === "never") this.#halted = true;
    else if (pushback === undefined) this.#launch();
    else this.#launchIn(pushback);
    if (fatal) this.#fail(error);
    else this.#endIfOver();
  }

  #fail(reason: unknown): void {
    if (this.#finish(lost())) this.#settle.reject(reason);
  }

  /** Nothing runs and nothing more will: the last failure is that of the call. */
  #endIfOver(): void {
    const over = this.#halted || this.#started >= this.#options.policy.maxAttempts;
    if (over && this.#running.size === 0) this.#fail(this.#failure);
  }

  /** Ends all that runs. False when it had ended before. */
  #finish(reason: unknown): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#options.signal.removeEventListener("abort", this.#aborted);
    this.#timer?.abort();
    for (const [own, since] of this.#running) {
      this.#recordAtLeast(this.#now() - since);
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
