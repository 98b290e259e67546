/** A call that can be ended from outside. */
export interface RunningCall {
  /** Answers with that error, if nothing has been answered yet. */
  fail(error: unknown): void;
}

/** Who counts the calls that run. */
export interface CallCounter {
  begin(): void;
  end(): void;
}

/** Calls that a stop has to wait for and to end: one listener for all of them instead of one for each. */
export class RunningCalls {
  readonly #calls = new Set<RunningCall>();
  readonly #shutdown: AbortSignal;

  readonly #counter: CallCounter;

  /** @param shutdown ends all calls when it aborts; its reason is what their callers get */
  constructor(shutdown: AbortSignal, counter: CallCounter) {
    this.#counter = counter;
    this.#shutdown = shutdown;
    shutdown.addEventListener("abort", () => {
      for (const call of this.#calls) call.fail(shutdown.reason);
    }, { once: true });
  }

  add(call: RunningCall): void {
    this.#calls.add(call);
    this.#counter.begin();
    if (this.#shutdown.aborted) call.fail(this.#shutdown.reason);
  }

  delete(call: RunningCall): void {
    if (this.#calls.delete(call)) this.#counter.end();
  }
}
