import { type Asking, follow, type Question, type Reading } from "./follow.ts";

/** Hears what is known of a question: at once, if anything is, and on each change. */
export type Listener<T> = (reading: Reading<T>) => void;

/**
 * One watch for any number of readers: it starts with the first reader and
 * stops with the last, so that a process holds one connection for a question.
 */
export class SharedWatch<T> {
  readonly #question: Question<T>;
  readonly #asking: Asking;
  readonly #idle: () => void;
  readonly #listeners = new Set<Listener<T>>();
  readonly #stop = new AbortController();
  #reading: Reading<T> | undefined;

  /** `idle` is called once, when the last reader has left. The watch is then over. */
  constructor(question: Question<T>, asking: Asking, idle: () => void) {
    this.#question = question;
    this.#asking = asking;
    this.#idle = idle;
  }

  /** Adds a reader. Returns the function that removes it. */
  listen(listener: Listener<T>): () => void {
    const isFirst = this.#listeners.size === 0;
    this.#listeners.add(listener);
    if (isFirst) this.#start();
    else if (this.#reading !== undefined) listener(this.#reading);
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#stop.abort();
      this.#idle();
    };
  }

  #start(): void {
    const tell = (reading: Reading<T>): void => {
      this.#reading = reading;
      for (const listener of this.#listeners) listener(reading);
    };
    // `follow` never rejects: failures are readings.
    void follow(this.#question, this.#asking, tell, this.#stop.signal);
  }
}
