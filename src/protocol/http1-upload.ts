import { local } from "./progress.ts";

/**
 * The body of a request: one that is a single chunk in one piece, so that it is
 * sent with its length, and chunks as they come otherwise.
 */
export class Http1Upload {
  readonly #chunks: AsyncIterator<Uint8Array> | undefined;
  #complete = false;
  #failure: unknown;

  constructor(body: AsyncIterable<Uint8Array> | undefined) {
    this.#chunks = body?.[Symbol.asyncIterator]();
  }

  /** What the body threw; undefined while it has not. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Waits for the first chunk. Rejects when the body throws. */
  async begin(): Promise<Uint8Array | AsyncIterable<Uint8Array> | null> {
    if (this.#chunks === undefined) return null;
    const first = await this.#next(this.#chunks);
    if (first.done === true) return null;
    const second = this.#next(this.#chunks);
    return (await endsAtOnce(second)) ? first.value : this.#rest(this.#chunks, first.value, second);
  }

  /** Takes nothing more of the body: the other side may answer and close before it has read everything. */
  leave(): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#chunks?.return?.()?.catch(() => {
      // The caller's own clean-up failed; the call has ended without it.
    });
  }

  async *#rest(
    chunks: AsyncIterator<Uint8Array>,
    first: Uint8Array,
    second: Promise<IteratorResult<Uint8Array>>,
  ): AsyncGenerator<Uint8Array> {
    yield first;
    for (let next = await second; next.done !== true; next = await this.#next(chunks)) {
      if (this.#complete) return;
      yield next.value;
    }
  }

  async #next(chunks: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    try {
      const next = await chunks.next();
      if (next.done === true) this.#complete = true;
      return next;
    } catch (error) {
      // Once the call has ended, a body may throw what ended it.
      this.#failure = this.#complete ? error : local(error);
      this.#complete = true;
      throw this.#failure;
    }
  }
}

/** Whether an iterator ends within this turn of the event loop: what is there already, and no more. */
function endsAtOnce(next: Promise<IteratorResult<Uint8Array>>): Promise<boolean> {
  const turn = new Promise<boolean>((resolve) => setImmediate(resolve, false));
  return Promise.race([turn, next.then(({ done }) => done === true)]);
}
