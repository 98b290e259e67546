/** Counts calls that are running, so that a stop can wait for the last of them. */
export class Tracker {
  #running = 0;
  #idle: Array<() => void> = [];

  /** How many calls are running. */
  get running(): number {
    return this.#running;
  }

  /** A call begins. Returns the function that ends it; only its first use counts. */
  enter(): () => void {
    this.begin();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.end();
    };
  }

  /** A call begins; {@link end} must follow exactly once. */
  begin(): void {
    this.#running++;
  }

  /** A call that {@link begin} counted has ended. */
  end(): void {
    this.#running--;
    if (this.#running > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  /** Resolves when no call is running, or when the signal aborts. */
  idle(signal: AbortSignal): Promise<void> {
    if (this.#running === 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      signal.addEventListener("abort", () => { resolve(); }, { once: true });
    });
  }
}
