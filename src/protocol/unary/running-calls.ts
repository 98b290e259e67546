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

/** A call that can be ended from outside, and its neighbours among those that run. */
export interface RunningCall {
  previous: RunningCall | undefined;
  next: RunningCall | undefined;
  /** Answers with that error, if nothing has been answered yet: the call runs no more. */
  fail(error: unknown): void;
}

/** Who counts the calls that run. */
export interface CallCounter {
  begin(): void;
  end(): void;
}

/**
 * Calls that a stop has to wait for and to end: one listener for all of them
 * instead of one for each. They are linked to each other, since a `Set` that
 * they pass through makes new tables all the time, which keep them from being
 * collected early.
 */
export class RunningCalls {
  readonly #shutdown: AbortSignal;
  readonly #counter: CallCounter;
  /** The call that began last. */
  #last: RunningCall | undefined;

  /** @param shutdown ends all calls when it aborts; its reason is what their callers get */
  constructor(shutdown: AbortSignal, counter: CallCounter) {
    this.#counter = counter;
    this.#shutdown = shutdown;
    shutdown.addEventListener("abort", () => {
      // One that fails is no longer among them, and may take others along.
      while (this.#last !== undefined) this.#last.fail(shutdown.reason);
    }, { once: true });
  }

  add(call: RunningCall): void {
    call.previous = this.#last;
    if (this.#last !== undefined) this.#last.next = call;
    this.#last = call;
    this.#counter.begin();
    if (this.#shutdown.aborted) call.fail(this.#shutdown.reason);
  }

  /** A call that was added has ended. To be told once. */
  delete(call: RunningCall): void {
    const { previous, next } = call;
    if (previous !== undefined) previous.next = next;
    if (next !== undefined) next.previous = previous;
    else this.#last = previous;
    call.previous = undefined;
    call.next = undefined;
    this.#counter.end();
  }
}
