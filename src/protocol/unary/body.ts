import { Code, ConnectError } from "@connectrpc/connect";

/** The bytes of a body that is wanted in one piece, up to a limit. */
export class Body {
  readonly #maxBytes: number;
  #first: Uint8Array | undefined;
  #chunks: Uint8Array[] | undefined;
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds bytes. Returns false once there are more than the limit: then nothing is kept. */
  add(chunk: Uint8Array): boolean {
    this.#size += chunk.byteLength;
    if (this.#size > this.#maxBytes) {
      this.#first = undefined;
      this.#chunks = undefined;
      return false;
    }
    if (this.#first === undefined) this.#first = chunk;
    else (this.#chunks ??= [this.#first]).push(chunk);
    return true;
  }

  /** All bytes, in one piece: without a copy when they came in one. */
  whole(): Uint8Array {
    const { buffer, byteOffset, byteLength } =
      this.#chunks === undefined ? (this.#first ?? nothing) : Buffer.concat(this.#chunks, this.#size);
    // Not a Buffer: messages hold parts of it, and what `slice` does there would surprise.
    return new Uint8Array(buffer, byteOffset, byteLength);
  }
}

const nothing = new Uint8Array(0);

/** The error of a body that is larger than allowed, in Connect's words. */
export function tooLarge(maxBytes: number, size?: number): ConnectError {
  const known = size === undefined ? "" : ` ${size}`;
  return new ConnectError(
    `message size${known} is larger than configured readMaxBytes ${maxBytes}`,
    Code.ResourceExhausted,
  );
}

/** The length that headers promise; undefined without one that can be relied on. */
export function promised(contentLength: string | undefined): number | undefined {
  if (contentLength === undefined) return undefined;
  const length = Number(contentLength);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}
