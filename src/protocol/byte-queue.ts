import type { EventEmitter } from "node:events";

/** What the queue needs of a Node stream that is read by events. */
interface Source extends EventEmitter {
  pause(): unknown;
  resume(): unknown;
}

/** How a {@link ByteQueue} gets on with its source. */
export interface ByteQueueOptions {
  /** Called when the reader stops before the end. Default: read on, keep nothing. */
  readonly abandon?: (() => void) | undefined;
  /**
   * Asked when the source says that it ended, with the number of bytes that
   * arrived: false when it was cut off. Node ends HTTP/2 streams the same way
   * when they are reset or the connection dies. Whoever answers false must call
   * {@link ByteQueue.fail}. Default: always true.
   */
  readonly complete?: ((received: number) => boolean) | undefined;
}

/** Bytes that may wait before the source is paused: one HTTP/2 stream window. */
const highWaterMark = 65_536;

/**
 * The bytes of a Node stream as an async iterable, read by `data` and `end`
 * events. Iterating an HTTP/2 stream itself loses bytes that arrived early on
 * some releases of Node (nodejs/node#65677).
 */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #source: Source;
  readonly #abandon: () => void;
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  #received = 0;
  #paused = false;
  #state: "open" | "ended" | "failed" = "open";
  #error: unknown;
  #reader: { resolve(r: IteratorResult<Uint8Array>): void; reject(e: unknown): void } | undefined;

  constructor(source: Source, options: ByteQueueOptions = {}) {
    const { abandon = () => source.resume(), complete = () => true } = options;
    this.#source = source;
    this.#abandon = abandon;
    source.on("data", (chunk: Uint8Array) => {
      this.#push(chunk);
    });
    source.on("end", () => {
      if (complete(this.#received)) this.end();
    });
  }

  /** Whether all bytes have arrived. */
  get ended(): boolean {
    return this.#state === "ended";
  }

  /** Ends the iterable after the bytes that have arrived. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    if (this.#reader !== undefined) this.#settle((r) => { r.resolve({ done: true, value: undefined }); });
  }

  /**
   * Fails the iterable at once. Bytes that have arrived but were not read are
   * dropped, and so are those that still come: they must not be in the way of
   * what follows them on the same connection.
   */
  fail(error: unknown): void {
    if (this.#state !== "open") return;
    this.#state = "failed";
    this.#error = error;
    this.#chunks = [];
    if (this.#paused) this.#source.resume();
    if (this.#reader !== undefined) this.#settle((r) => { r.reject(error); });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
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
    const early = this.#state === "open";
    this.#state = "ended";
    this.#chunks = [];
    if (early) this.#abandon();
  }

  #push(chunk: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#received += chunk.byteLength;
    if (this.#reader !== undefined) {
      this.#settle((r) => { r.resolve({ done: false, value: chunk }); });
      return;
    }
    this.#chunks.push(chunk);
    this.#waiting += chunk.byteLength;
    if (this.#waiting >= highWaterMark && !this.#paused) {
      this.#paused = true;
      this.#source.pause();
    }
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#waiting -= chunk.byteLength;
      if (this.#paused && this.#waiting < highWaterMark) {
        this.#paused = false;
        this.#source.resume();
      }
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#state === "ended") return Promise.resolve({ done: true, value: undefined });
    // The error is what a transport handed over, kept as it is.
    if (this.#state === "failed") return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  #settle(
    how: (reader: {
      resolve(r: IteratorResult<Uint8Array>): void;
      reject(e: unknown): void;
    }) => void,
  ): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) how(reader);
  }
}
