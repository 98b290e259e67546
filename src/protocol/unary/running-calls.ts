import type { Inbound } from "../inbound.ts";

/**
 * Lets the calls of a method run while there are not too many of them. A call
 * has its place until its implementation is done, whatever became of it before.
 */
export interface Places {
  /** Whether it learns from how long calls take. */
  readonly timed: boolean;
  /**
   * Takes a place. Throws `resource_exhausted` when there is none.
   *
   * @param from the connection of the call; undefined within the process
   */
  enter(from: Inbound | undefined): void;
  /**
   * Gives a place back.
   *
   * @param tookMs how long the call took, in milliseconds; undefined when that says nothing
   */
  leave(from: Inbound | undefined, tookMs: number | undefined): void;
}

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
