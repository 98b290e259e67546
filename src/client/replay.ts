import { Code, ConnectError } from "@connectrpc/connect";
import { roughSize } from "./rough-size.ts";

/** How much of a call is kept to be sent again, in bytes, roughly: gRPC's default for one call (gRFC A6, "Memory Management"). */
const defaultMaxBytes = 1_048_576;

/**
 * The messages of a streaming call, for several attempts one after the other:
 * each begins with the first. What was taken is kept until the answer begins
 * (gRFC A6, "When Retries are Valid"); a call that sends more than there is room
 * for before that can no longer be repeated. Messages are kept, not copied.
 */
export class Replay<T> {
  readonly #messages: AsyncIterable<T>;
  readonly #maxBytes: number;
  #source: AsyncIterator<T> | undefined;
  /** The message that is waited for, whoever waits. */
  #pull: Promise<IteratorResult<T>> | undefined;
  #kept: T[] = [];
  #bytes = 0;
  #complete = false;
  #committed = false;
  #reader: Reader | undefined;

  constructor(messages: AsyncIterable<T>, maxBytes: number = defaultMaxBytes) {
    this.#messages = messages;
    this.#maxBytes = maxBytes;
  }

  /** Whether another attempt can have all messages. */
  get repeatable(): boolean {
    return !this.#committed;
  }

  /** The messages, for one attempt. The attempt before it gets no more. */
  offer(): AsyncIterable<T> {
    const reader: Reader = { at: 0 };
    this.#reader = reader;
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => this.#passing(reader)?.next() ?? this.#next(reader),
        // An attempt that failed must not end the caller's messages.
        return: (value?: unknown) => this.#end(reader, (source) => source.return?.(value)) ?? ended(value),
        throw: (error?: unknown) => this.#end(reader, (source) => source.throw?.(error)) ?? Promise.reject(error),
      }),
    };
  }

  /** There will be no other attempt: nothing is kept any more. */
  commit(): void {
    this.#committed = true;
    this.#forget();
  }

  /** The caller's own messages, once nothing has to be kept of them. */
  #passing(reader: Reader): AsyncIterator<T> | undefined {
    const free = this.#committed && this.#pull === undefined && reader.at === this.#kept.length;
    return free && reader === this.#reader && !this.#complete ? this.#source : undefined;
  }

  async #next(reader: Reader): Promise<IteratorResult<T>> {
    for (;;) {
      if (reader !== this.#reader) throw new ConnectError("another attempt has the messages now", Code.Canceled);
      if (reader.at < this.#kept.length) {
        const value = this.#kept[reader.at++] as T;
        this.#forget();
        return { done: false, value };
      }
      if (this.#complete) return { done: true, value: undefined };
      await (this.#pull ??= this.#more());
    }
  }

  /** Takes one more message of the caller's. A failure of the caller's is one of every attempt. */
  async #more(): Promise<IteratorResult<T>> {
    const next = await (this.#source ??= this.#messages[Symbol.asyncIterator]()).next();
    this.#pull = undefined;
    if (next.done === true) this.#complete = true;
    else {
      this.#kept.push(next.value);
      if (!this.#committed) {
        this.#bytes += roughSize(next.value, this.#maxBytes);
        if (this.#bytes > this.#maxBytes) this.#committed = true;
      }
    }
    return next;
  }

  /** Drops what nobody will ask for. */
  #forget(): void {
    if (!this.#committed || this.#reader === undefined) return;
    this.#kept.splice(0, this.#reader.at);
    this.#reader.at = 0;
  }

  #end<R>(reader: Reader, how: (source: AsyncIterator<T>) => R): R | undefined {
    if (!this.#committed || reader !== this.#reader || this.#source === undefined) return undefined;
    return how(this.#source);
  }
}

interface Reader {
  /** How many of the kept messages it has. */
  at: number;
}

function ended(value: unknown): Promise<IteratorReturnResult<unknown>> {
  return Promise.resolve({ done: true, value });
}
