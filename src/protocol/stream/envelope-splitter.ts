import { Code, ConnectError } from "@connectrpc/connect";
import { envelopeBytes } from "../envelope.ts";

/** A message as it came, with its flags. */
export interface Envelope {
  readonly flags: number;
  readonly data: Uint8Array;
}

/**
 * Cuts bytes into envelopes. Those that lie within one chunk are not copied;
 * Connect's own splitter copies each of them.
 */
export class EnvelopeSplitter {
  readonly #maxBytes: number;
  #bytes: Uint8Array = nothing;
  #at = 0;
  /** What has come of an envelope that is not complete. */
  #parts: Uint8Array[] = [];
  #partBytes = 0;

  /** @param maxBytes largest envelope that is taken, in bytes */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether the bytes so far end within an envelope. */
  get partial(): boolean {
    return this.#partBytes > 0 || this.#at < this.#bytes.byteLength;
  }

  /** Adds bytes. Only once {@link next} has returned undefined. */
  push(chunk: Uint8Array): void {
    if (this.#partBytes === 0) {
      this.#bytes = chunk;
      this.#at = 0;
      return;
    }
    this.#parts.push(chunk);
    this.#partBytes += chunk.byteLength;
    if (this.#partBytes < this.#needed()) return;
    this.#bytes = Buffer.concat(this.#parts, this.#partBytes);
    this.#at = 0;
    this.#parts = [];
    this.#partBytes = 0;
  }

  /** The next complete envelope, or undefined. Throws `resource_exhausted` for one that is too large. */
  next(): Envelope | undefined {
    const bytes = this.#bytes;
    const start = this.#at + envelopeBytes;
    const left = bytes.byteLength - this.#at;
    if (left < envelopeBytes) return this.#keep(left);
    const length = this.#lengthAt(bytes, this.#at);
    if (left < envelopeBytes + length) return this.#keep(left);
    const flags = bytes[this.#at] ?? 0;
    this.#at = start + length;
    return { flags, data: new Uint8Array(bytes.buffer, bytes.byteOffset + start, length) };
  }

  /** Puts away what is left of the bytes until more come. */
  #keep(left: number): undefined {
    if (left > 0) {
      this.#parts = [this.#bytes.subarray(this.#at)];
      this.#partBytes = left;
    }
    this.#bytes = nothing;
    this.#at = 0;
    return undefined;
  }

  /** How many bytes the kept envelope has in all; its head when even that is not there. */
  #needed(): number {
    const [first = nothing] = this.#parts;
    if (first.byteLength >= envelopeBytes) return envelopeBytes + this.#lengthAt(first, 0);
    if (this.#partBytes < envelopeBytes) return envelopeBytes;
    const head = Buffer.concat(this.#parts, this.#partBytes);
    this.#parts = [head];
    return envelopeBytes + this.#lengthAt(head, 0);
  }

  #lengthAt(bytes: Uint8Array, at: number): number {
    const high = bytes[at + 1] ?? 0;
    const low = ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
    const length = high * 0x1000000 + low;
    if (length <= this.#maxBytes) return length;
    throw new ConnectError(
      `message size ${length} is larger than configured readMaxBytes ${this.#maxBytes}`,
      Code.ResourceExhausted,
    );
  }
}

const nothing = new Uint8Array(0);
