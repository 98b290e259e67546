import type { DescMessage } from "@bufbuild/protobuf";
import { readText } from "./text.ts";
import { doubleOf, floatOf, longOf, unsignedLongOf } from "./words.ts";

/** Deepest nesting of messages, as in protobuf-es. */
const deepest = 100;

/**
 * Reads protobuf's wire format (protobuf.dev/programming-guides/encoding). It
 * takes what protobuf-es takes, and never reads past the end.
 */
export class Reader {
  /** The bytes of the message. Public, like {@link at}, for the loop that reads fields. */
  readonly bytes: Uint8Array;
  /** Where the next byte is. */
  at = 0;
  #depth = 0;
  /** The high half of the last varint of 64 bits. */
  #upper = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Enters a message. */
  enter(message: DescMessage): void {
    if (++this.#depth <= deepest) return;
    const limit = `maximum recursion depth of ${deepest} reached`;
    throw new Error(`cannot decode ${String(message)} from binary: ${limit}`);
  }

  leave(): void {
    this.#depth--;
  }

  /** Reads a tag: the number of a field and, in the last three bits, a wire type. */
  tag(): number {
    const start = this.at;
    const tag = this.uint32();
    // The fifth byte has room for more than a tag may have, and says whether there are others.
    if (this.at - start >= 5 && (this.bytes[start + 4] as number) > 0x0f) {
      throw new Error("illegal tag: varint overflows uint32");
    }
    if (tag < 8 || (tag & 7) > 5) {
      throw new Error(`illegal tag: field no ${tag >>> 3} wire type ${tag & 7}`);
    }
    return tag;
  }

  /** Reads a length, and returns where what has it ends. */
  length(): number {
    const length = this.uint32();
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError("premature EOF");
    return end;
  }

  /** Reads a varint, of which the lower 32 bits count. */
  uint32(): number {
    const { bytes, at } = this;
    // Past the end there is undefined, which fails every comparison.
    const first = bytes[at] as number;
    if (first < 0x80) {
      this.at = at + 1;
      return first;
    }
    const second = bytes[at + 1] as number;
    if (second < 0x80) {
      this.at = at + 2;
      return (first & 0x7f) | (second << 7);
    }
    return this.#longVarint();
  }

  sint32(): number {
    const value = this.uint32();
    return (value >>> 1) ^ -(value & 1);
  }

  bool(): boolean {
    const first = this.bytes[this.at] as number;
    if (first < 0x80) {
      this.at++;
      return first !== 0;
    }
    return (this.#varint64() | this.#upper) !== 0;
  }

  int64(): bigint {
    return longOf(this.#varint64(), this.#upper);
  }

  uint64(): bigint {
    return unsignedLongOf(this.#varint64(), this.#upper);
  }

  sint64(): bigint {
    const lower = this.#varint64();
    const upper = this.#upper;
    const sign = -(lower & 1);
    return longOf(((lower >>> 1) | (upper << 31)) ^ sign, (upper >>> 1) ^ sign);
  }

  sfixed32(): number {
    const at = this.#take(4);
    const { bytes } = this;
    return (
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    );
  }

  fixed64(): bigint {
    const lower = this.sfixed32();
    return unsignedLongOf(lower, this.sfixed32());
  }

  sfixed64(): bigint {
    const lower = this.sfixed32();
    return longOf(lower, this.sfixed32());
  }

  float(): number {
    return floatOf(this.sfixed32());
  }

  double(): number {
    const lower = this.sfixed32();
    return doubleOf(lower, this.sfixed32());
  }

  /** Reads a string. What is not UTF-8 becomes U+FFFD or, when it is strict, an error. */
  string(strict: boolean): string {
    const length = this.uint32();
    const at = this.#take(length);
    return readText(this.bytes, at, length, strict);
  }

  /** Reads bytes: a view into the message, as in protobuf-es, not a copy. */
  binary(): Uint8Array {
    const length = this.uint32();
    const at = this.#take(length);
    return view(this.bytes, at, length);
  }

  /** Passes over a value, and returns its bytes. Of groups, so many may be nested as messages. */
  skip(number: number, wireType: number): Uint8Array {
    const start = this.at;
    this.#skip(number, wireType, deepest - this.#depth);
    return view(this.bytes, start, this.at - start);
  }

  #skip(number: number, wireType: number, depth: number): void {
    switch (wireType) {
      case 0: // Varint
        while (((this.bytes[this.#take(1)] as number) & 0x80) !== 0);
        return;
      case 1: // Bit64
        this.#take(8);
        return;
      case 5: // Bit32
        this.#take(4);
        return;
      case 2: // LengthDelimited
        this.#take(this.uint32());
        return;
      case 3: // StartGroup
        if (depth <= 0) throw new Error("maximum recursion depth reached");
        return this.#skipGroup(number, depth - 1);
      default:
        throw new Error(`cant skip wire type ${wireType}`);
    }
  }

  #skipGroup(number: number, depth: number): void {
    for (;;) {
      const tag = this.tag();
      if ((tag & 7) !== 4) this.#skip(tag >>> 3, tag & 7, depth);
      else if (tag >>> 3 === number) return;
      else throw new Error("invalid end group tag");
    }
  }

  /** Moves on. Returns where the reader was. */
  #take(length: number): number {
    const at = this.at;
    if (at + length > this.bytes.length) throw new RangeError("premature EOF");
    this.at = at + length;
    return at;
  }

  #longVarint(): number {
    const { bytes } = this;
    let { at } = this;
    let value = 0;
    // A negative int32 has ten bytes.
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError("premature EOF");
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return value >>> 0;
      }
    }
    throw new Error("invalid varint");
  }

  /** Reads a varint of 64 bits: returns its low half and keeps its high half. */
  #varint64(): number {
    const { bytes } = this;
    let { at } = this;
    let lower = 0;
    let upper = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError("premature EOF");
      const bits = byte & 0x7f;
      if (shift <= 28) lower |= bits << shift;
      if (shift >= 28) upper |= shift === 28 ? bits >> 4 : bits << (shift - 32);
      if (byte < 0x80) {
        this.at = at;
        this.#upper = upper;
        return lower;
      }
    }
    throw new Error("invalid varint");
  }
}

/** A view of some of the bytes. */
function view(bytes: Uint8Array, start: number, length: number): Uint8Array {
  // The constructor is faster, but a Buffer is to have Buffers as views, as in protobuf-es.
  if (bytes.constructor !== Uint8Array) return bytes.subarray(start, start + length);
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, length);
}
