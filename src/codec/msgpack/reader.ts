import { isUtf8 } from "node:buffer";
import { asciiText } from "./ascii.ts";
import { Failure } from "./failure.ts";
import { kindOf } from "./kind.ts";

/** Deepest nesting of maps and arrays, as in protobuf-es's other formats. */
const deepest = 100;

/** Longest string that a loop reads faster than a call out of JavaScript, in bytes. */
const shortText = 12;

/** How many times its length a message may be read again. */
const mostAgain = 8;

const nothing = new Uint8Array(0);

/**
 * Reads MessagePack. Takes every form of a value, not only the shortest, never
 * reads past the end, and never believes a length that the bytes cannot hold.
 */
export class Reader {
  #bytes = nothing as Uint8Array;
  #buffer: Buffer | undefined;
  #at = 0;
  #depth = 0;
  /** How many bytes were read again. */
  #again = 0;
  readonly #view = new DataView(new ArrayBuffer(8));
  readonly #scratch = new Uint8Array(this.#view.buffer);

  /** Begins to read a message. */
  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#buffer = undefined;
    this.#at = 0;
    this.#depth = 0;
    this.#again = 0;
  }

  /** Ends a message, which must have been all there was. */
  finish(): void {
    const rest = this.#bytes.length - this.#at;
    if (rest > 0) throw this.fail(`${rest} bytes follow the message`);
  }

  /** Forgets the bytes, so that they can be collected. */
  release(): void {
    this.#bytes = nothing;
    this.#buffer = undefined;
  }

  /** Where the next value begins. */
  get position(): number {
    return this.#at;
  }

  /** Goes back to read again, which must not happen so often that a message costs too much. */
  rewind(position: number): void {
    this.#again += this.#at - position;
    if (this.#again > this.#bytes.length * mostAgain) {
      throw this.fail('too many Anys are nested: write "@type" as the first key', position);
    }
    this.#at = position;
  }

  /** Enters a map or array that may hold others. */
  enter(): void {
    if (++this.#depth > deepest) throw this.fail(`nested more than ${deepest} levels deep`);
  }

  leave(): void {
    this.#depth--;
  }

  /** The error for what is wrong here. */
  fail(text: string, at: number = this.#at): Failure {
    return new Failure(`${text} (at byte ${at})`);
  }

  /** The error for a value of the wrong kind. */
  mismatch(expected: string): Failure {
    return this.fail(`expected ${expected}, got ${kindOf(this.#peek())}`);
  }

  /** Whether the next value is a string. */
  get isString(): boolean {
    const code = this.#peek();
    return (code & 0xe0) === 0xa0 || (code >= 0xd9 && code <= 0xdb);
  }

  /** The first byte of the next value. */
  get code(): number {
    return this.#peek();
  }

  /** Takes a nil if there is one. */
  takeNil(): boolean {
    if (this.#bytes[this.#at] !== 0xc0) return false;
    this.#at++;
    return true;
  }

  /** Takes exactly these bytes if they come next. */
  take(expected: Uint8Array): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    const length = expected.length;
    // Bytes past the end are undefined, which equals none.
    for (let index = 0; index < length; index++) {
      if (bytes[at + index] !== expected[index]) return false;
    }
    this.#at = at + length;
    return true;
  }

  boolean(expected: string): boolean {
    const code = this.#peek();
    if (code !== 0xc2 && code !== 0xc3) throw this.mismatch(expected);
    this.#at++;
    return code === 0xc3;
  }

  /** Takes the first byte of a value, which was the whole of it. */
  takeCode(): void {
    this.#at++;
  }

  /** Takes a value of a first byte and 1, 2, 4 or 8 more. The latter are good until the next call. */
  takeWord(length: number): DataView {
    const start = this.#skipTo(1, length);
    const bytes = this.#bytes;
    const scratch = this.#scratch;
    for (let index = 0; index < length; index++) scratch[index] = bytes[start + index] as number;
    return this.#view;
  }

  string(expected: string): string {
    const code = this.#peek();
    if ((code & 0xe0) === 0xa0) return this.#text(1, code & 0x1f);
    if (code < 0xd9 || code > 0xdb) return this.#refuse(expected);
    return this.#text(1 + (1 << (code - 0xd9)), this.#length(code - 0xd9));
  }

  /** Reads bytes: a view into the message, as in protobuf-es, not a copy. */
  binary(expected: string): Uint8Array {
    const code = this.#peek();
    if (code < 0xc4 || code > 0xc6) return this.#refuse(expected);
    const start = this.#skipTo(1 + (1 << (code - 0xc4)), this.#length(code - 0xc4));
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, this.#at - start);
  }

  /** Reads the header of an array: how many elements follow. */
  array(expected: string): number {
    const code = this.#peek();
    if ((code & 0xf0) === 0x90) return this.#items(1, code & 0x0f, 1);
    if (code !== 0xdc && code !== 0xdd) return this.#refuse(expected);
    const width = code - 0xdc + 1;
    return this.#items(1 + (1 << width), this.#length(width), 1);
  }

  /** Reads the header of a map: how many pairs of key and value follow. */
  map(expected: string): number {
    const code = this.#peek();
    if ((code & 0xf0) === 0x80) return this.#items(1, code & 0x0f, 2);
    if (code !== 0xde && code !== 0xdf) return this.#refuse(expected);
    const width = code - 0xde + 1;
    return this.#items(1 + (1 << width), this.#length(width), 2);
  }

  /** Reads an extension of the given type: its bytes. */
  extension(type: number, expected: string): DataView {
    const code = this.#peek();
    const fixed = code >= 0xd4 && code <= 0xd8;
    if (!fixed && (code < 0xc7 || code > 0xc9)) return this.#refuse(expected);
    const at = this.#at;
    const head = fixed ? 2 : 2 + (1 << (code - 0xc7));
    const length = fixed ? 1 << (code - 0xd4) : this.#length(code - 0xc7);
    const start = this.#skipTo(head, length);
    const data = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start - 1, length + 1);
    const got = data.getInt8(0);
    if (got !== type) throw this.fail(`expected ${expected}, got an extension of type ${got}`, at);
    return new DataView(data.buffer, data.byteOffset + 1, length);
  }

  /** Passes over a value of any kind. */
  skip(): void {
    const code = this.#peek();
    if (code < 0x80 || code >= 0xe0) this.#at++;
    else if (code < 0x90 || code === 0xde || code === 0xdf) this.#skipItems(this.map("a map") * 2);
    else if (code < 0xa0 || code === 0xdc || code === 0xdd) this.#skipItems(this.array("an array"));
    else if (code < 0xc0) this.#skipTo(1, code & 0x1f);
    else if (code === 0xc1) this.#refuse("a value");
    else if (code < 0xc4) this.#at++;
    else if (code < 0xc7) this.#skipTo(1 + (1 << (code - 0xc4)), this.#length(code - 0xc4));
    else if (code < 0xca) this.#skipTo(2 + (1 << (code - 0xc7)), this.#length(code - 0xc7));
    else if (code < 0xcc) this.#skipTo(1, code === 0xca ? 4 : 8);
    else if (code < 0xd4) this.#skipTo(1, 1 << (code & 3));
    else if (code < 0xd9) this.#skipTo(2, 1 << (code - 0xd4));
    else this.#skipTo(1 + (1 << (code - 0xd9)), this.#length(code - 0xd9));
  }

  #skipItems(count: number): void {
    this.enter();
    for (let item = 0; item < count; item++) this.skip();
    this.leave();
  }

  #refuse(expected: string): never {
    throw this.mismatch(expected);
  }

  #peek(): number {
    const code = this.#bytes[this.#at];
    if (code === undefined) throw this.fail("the message ends too early");
    return code;
  }

  /** Moves on over a header and what it declares. Returns where the latter begins. */
  #skipTo(head: number, length: number): number {
    const start = this.#at + head;
    if (start + length > this.#bytes.length) throw this.#tooLong(length, "bytes");
    this.#at = start + length;
    return start;
  }

  /** Moves on over the header of an array or map. */
  #items(head: number, count: number, each: number): number {
    // Every value takes a byte at least.
    if (this.#at + head + count * each > this.#bytes.length) {
      throw this.#tooLong(count, each === 1 ? "elements" : "entries");
    }
    this.#at += head;
    return count;
  }

  #tooLong(count: number, what: string): Failure {
    return this.fail(`the message ends too early: ${count} ${what} are declared`);
  }

  /** The length after the first byte, of 1, 2 or 4 bytes for a width of 0, 1 or 2. */
  #length(width: number): number {
    const at = this.#at + 1;
    const bytes = this.#bytes;
    if (at + (1 << width) > bytes.length) throw this.fail("the message ends too early");
    let length = 0;
    for (let index = 0; index < 1 << width; index++) length = length * 0x100 + (bytes[at + index] ?? 0);
    return length;
  }

  #text(head: number, length: number): string {
    const bytes = this.#bytes;
    const start = this.#skipTo(head, length);
    const short = length <= shortText ? asciiText(bytes, start, this.#at) : undefined;
    if (short !== undefined) return short;
    this.#buffer ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const text = this.#buffer.toString("utf8", start, this.#at);
    // What is not UTF-8 became U+FFFD; one that was in the message is no error.
    if (text.includes("\uFFFD") && !isUtf8(bytes.subarray(start, this.#at))) {
      throw this.fail("a string is not UTF-8", start);
    }
    return text;
  }
}
