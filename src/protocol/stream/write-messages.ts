import type { Compression } from "@connectrpc/connect/protocol";
import { envelop } from "../envelope.ts";

/** How messages are written into a body. */
export interface MessageWriting<T> {
  /** Writes a message. Throws an error with a code. */
  readonly serialize: (message: T) => Uint8Array;
  /** Compresses messages from a size on; undefined sends them as they are. */
  readonly compression: Compression | undefined;
  /** Smallest message that is compressed, in bytes. */
  readonly compressMinBytes: number;
  /**
   * What follows the last message: an ending envelope's flags and data, which are
   * compressed like a message, or undefined for nothing. Gets what was thrown, if
   * anything was; without it that is thrown on.
   */
  readonly end?: ((error: unknown) => { readonly flags: number; readonly data: Uint8Array } | undefined) | undefined;
  /** The reader has left before the end. */
  readonly left?: ((error?: unknown) => void) | undefined;
}

const compressedFlag = 1;

/** A body of envelopes, written as it is read: one object instead of five iterables. */
export function writeMessages<T>(messages: AsyncIterable<T>, writing: MessageWriting<T>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => new MessageWriter(messages[Symbol.asyncIterator](), writing) };
}

class MessageWriter<T> implements AsyncIterator<Uint8Array> {
  readonly #messages: AsyncIterator<T>;
  readonly #writing: MessageWriting<T>;
  #over = false;

  constructor(messages: AsyncIterator<T>, writing: MessageWriting<T>) {
    this.#messages = messages;
    this.#writing = writing;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#over) return { done: true, value: undefined };
    let result: IteratorResult<T>;
    let data: Uint8Array;
    try {
      result = await this.#messages.next();
      if (result.done === true) return await this.#end(undefined);
      data = this.#writing.serialize(result.value);
      const { compression, compressMinBytes } = this.#writing;
      return {
        done: false,
        value:
          compression === undefined || data.byteLength < compressMinBytes
            ? envelop(data)
            : envelop(await compression.compress(data), compressedFlag),
      };
    } catch (error) {
      this.#leave();
      if (this.#writing.end === undefined) throw error;
      return await this.#end(error);
    }
  }

  return(value?: unknown): Promise<IteratorResult<Uint8Array>> {
    if (!this.#over) this.#writing.left?.();
    this.#leave();
    return Promise.resolve({ done: true, value });
  }

  throw(error?: unknown): Promise<IteratorResult<Uint8Array>> {
    if (!this.#over) this.#writing.left?.(error);
    this.#leave();
    return Promise.reject(error);
  }

  async #end(error: unknown): Promise<IteratorResult<Uint8Array>> {
    this.#over = true;
    const last = this.#writing.end?.(error);
    if (last === undefined) return { done: true, value: undefined };
    const { compression, compressMinBytes } = this.#writing;
    if (compression === undefined || last.data.byteLength < compressMinBytes) {
      return { done: false, value: envelop(last.data, last.flags) };
    }
    const smaller = await compression.compress(last.data);
    return { done: false, value: envelop(smaller, last.flags | compressedFlag) };
  }

  #leave(): void {
    this.#over = true;
    this.#messages.return?.()?.catch(() => {
      // The messages' own clean-up failed; the stream has ended without it.
    });
  }
}
