/**
 * A value that changes, for readers that only care about the newest one. Each
 * reader gets the current value at once and then every later value that it is
 * fast enough to see: values in between are skipped, never queued.
 */
export class Latest<T> {
  #current: { readonly value: T } | undefined;
  #wake: Array<() => void> = [];
  #ended = false;

  /** The newest value, or undefined before the first. */
  get value(): T | undefined {
    return this.#current?.value;
  }

  /** Sets the newest value and wakes all readers. */
  set(value: T): void {
    if (this.#ended) return;
    this.#current = { value };
    this.#notify();
  }

  /** Ends all readers after they have seen the newest value. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** Yields the current and all later values, until the signal aborts or {@link end}. */
  async *read(signal: AbortSignal): AsyncGenerator<T, void, undefined> {
    let seen: { readonly value: T } | undefined;
    for (;;) {
      if (signal.aborted) return;
      const next = this.#current;
      if (next !== undefined && next !== seen) {
        seen = next;
        yield next.value;
        continue;
      }
      if (this.#ended) return;
      await this.#changed(signal);
    }
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener("abort", aborted);
        resolve();
      };
      const aborted = (): void => {
        this.#wake = this.#wake.filter((other) => other !== wake);
        resolve();
      };
      this.#wake.push(wake);
      signal.addEventListener("abort", aborted, { once: true });
    });
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const reader of wake) reader();
  }
}
