import type { Compression } from "@connectrpc/connect/protocol";
import { Code, ConnectError } from "@connectrpc/connect";
import { EnvelopeSplitter } from "./envelope-splitter.ts";

/** How the messages of a body are read. */
export interface MessageReading<T> {
  /** Reads a message. Throws an error with a code. */
  readonly parse: (bytes: Uint8Array) => T;
  /** Decompresses messages that say that they are compressed; undefined when none may be. */
  readonly compression: Compression | undefined;
  /** Largest message, also after decompression, in bytes. */
  readonly maxBytes: number;
  /** Flag of the envelope that ends the stream; undefined when only the body's end does. */
  readonly endFlag?: number | undefined;
  /** Takes the envelope that ends the stream; what it throws is how the stream ends. Default: it is passed over. */
  readonly end?: ((bytes: Uint8Array) => void) | undefined;
  /** The body has ended; throws when it should not have, with whether its ending envelope was there. */
  readonly done?: ((ended: boolean) => void) | undefined;
}

const compressedFlag = 1;

/**
 * The messages of a body of envelopes. One object for what Connect does with
 * five iterables, so that a message that is there already costs one promise.
 */
export function readMessages<T>(body: AsyncIterable<Uint8Array>, reading: MessageReading<T>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => new MessageReader(body[Symbol.asyncIterator](), reading) };
}

class MessageReader<T> implements AsyncIterator<T> {
  readonly #body: AsyncIterator<Uint8Array>;
  readonly #reading: MessageReading<T>;
  readonly #splitter: EnvelopeSplitter;
  #ended = false;
  #over = false;
  #waiting = 0;
  #last: Promise<unknown> | undefined;

  constructor(body: AsyncIterator<Uint8Array>, reading: MessageReading<T>) {
    this.#body = body;
    this.#reading = reading;
    this.#splitter = new EnvelopeSplitter(reading.maxBytes);
  }

  next(): Promise<IteratorResult<T>> {
    // Whoever asks again before the last answer gets the one after it.
    const before = this.#waiting === 0 ? undefined : this.#last;
    this.#waiting++;
    const result = before === undefined ? this.#next() : before.then(() => this.#next(), () => this.#next());
    this.#last = result;
    return result;
  }

  return(value?: unknown): Promise<IteratorResult<T>> {
    this.#leave();
    return Promise.resolve({ done: true, value });
  }

  throw(error?: unknown): Promise<IteratorResult<T>> {
    this.#leave();
    return Promise.reject(error);
  }

  async #next(): Promise<IteratorResult<T>> {
    try {
      return await this.#read();
    } finally {
      this.#waiting--;
    }
  }

  async #read(): Promise<IteratorResult<T>> {
    if (this.#over) return { done: true, value: undefined };
    try {
      for (;;) {
        const envelope = this.#splitter.next();
        if (envelope === undefined) {
          const chunk = await this.#body.next();
          if (chunk.done === true) return this.#finish();
          this.#splitter.push(chunk.value);
          continue;
        }
        let { data } = envelope;
        if ((envelope.flags & compressedFlag) !== 0) data = await this.#decompressed(data);
        const { endFlag = 0, end, parse } = this.#reading;
        const ends = (envelope.flags & endFlag) !== 0;
        if (this.#ended) throw afterEnd(ends);
        if (!ends) return { done: false, value: parse(data) };
        if (end === undefined) continue;
        this.#ended = true;
        end(data);
      }
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #finish(): IteratorResult<T> {
    if (this.#splitter.partial) {
      throw new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
    }
    this.#over = true;
    this.#reading.done?.(this.#ended);
    return { done: true, value: undefined };
  }

  /** Nobody reads on. */
  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#body.return?.()?.catch(() => {
      // The body is being left; how that went is nobody's concern.
    });
  }

  #decompressed(data: Uint8Array): Promise<Uint8Array> {
    const { compression, maxBytes } = this.#reading;
    if (compression === undefined) {
      throw new ConnectError("received compressed envelope, but do not know how to decompress", Code.Internal);
    }
    return compression.decompress(data, maxBytes);
  }
}

function afterEnd(end: boolean): ConnectError {
  const what = end ? "a second end" : "a message after its end";
  return new ConnectError(`protocol error: the stream has ${what}`, Code.InvalidArgument);
}
