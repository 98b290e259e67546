/** Something that happens once, for which others wait. */
export class Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.opened = promise;
    this.open = resolve;
  }
}

/**
 * Messages of a caller, one by one as the case wants it. Unlike a generator it
 * can be ended while its reader waits for the next one.
 */
export class Offer<T> implements AsyncIterable<T> {
  readonly #messages: T[] = [];
  #wake: Gate = new Gate();
  #ended = false;
  #failed: { readonly error: unknown } | undefined;
  #left = false;

  /** Whether the reader has said that it wants no more. */
  get left(): boolean {
    return this.#left;
  }

  /** Offers one more message. */
  push(message: T): void {
    this.#messages.push(message);
    this.#wake.open();
  }

  /** Ends the messages, after those that are still to be read. */
  end(): void {
    this.#ended = true;
    this.#wake.open();
  }

  /** Fails, after the messages that are still to be read. */
  fail(error: unknown): void {
    this.#failed = { error };
    this.#wake.open();
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        this.#leave();
        return Promise.resolve({ done: true, value: undefined });
      },
      throw: (error: unknown) => {
        this.#leave();
        return Promise.reject(error);
      },
    };
  }

  #leave(): void {
    this.#left = true;
    this.end();
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return { done: false, value: message };
      if (this.#failed !== undefined) throw this.#failed.error;
      if (this.#ended) return { done: true, value: undefined };
      await this.#wake.opened;
      this.#wake = new Gate();
    }
  }
}
