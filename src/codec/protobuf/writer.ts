import type { UnknownField } from "@bufbuild/protobuf";
import { bitsOfFloat, lowerOfDouble, lowerOfLong, upperOfDouble, upperOfLong } from "./words.ts";

/** Memory that many small messages share, in bytes. */
const slabBytes = 16 * 1024;

/** Memory at the end of a slab that is not worth a try, in bytes. */
const restBytes = 256;

/** Longest message that begins a new slab when the old one is full, in bytes. Longer ones get memory of their own. */
const sharingBytes = slabBytes / 4;

/** Longest string that a loop writes faster than a call out of JavaScript, in UTF-16 units. */
const shortText = 16;

/** Longest string that gets the memory it could need at most, in UTF-16 units. */
const mediumText = 1024;

/** Bytes that a message inside of another one gets for its length; it is moved if it needs more. */
const lengthBytes = 1;

/** Memory to write into. `utf8Write()` is what `write()` calls once it has looked at its arguments. */
interface Memory extends Buffer {
  utf8Write(value: string, at: number, length: number): number;
}

const nothing = allocate(0);

/**
 * Writes protobuf's wire format (protobuf.dev/programming-guides/encoding). One
 * writer writes many messages, one after the other, into slabs of memory: a
 * small message costs no allocation but a view.
 */
export class Writer {
  /** Where messages go, one after the other, and where the next one begins. */
  #slab = nothing;
  #slabAt = 0;
  /** Where the current message goes: into the slab, or into memory of its own. */
  #bytes = nothing;
  /** Where the current message begins. */
  #start = 0;
  /** Where the next byte goes. */
  #at = 0;

  /** Begins a message. What was written of an unfinished one is forgotten. */
  begin(): void {
    this.#bytes = this.#slab;
    this.#start = this.#at = this.#slabAt;
  }

  /** Ends the message and returns its bytes, which are never written again. */
  finish(): Uint8Array {
    const bytes = this.#bytes;
    const end = this.#at;
    const result = new Uint8Array(bytes.buffer, bytes.byteOffset + this.#start, end - this.#start);
    // Memory of its own stays with the message: keeping it would pin it.
    this.#bytes = nothing;
    if (bytes === this.#slab) {
      this.#slabAt = end;
      if (end + restBytes > bytes.length) this.#replaceSlab(nothing);
    }
    return result;
  }

  /** Writes an unsigned integer of at most 32 bits as a varint: a value, a tag or a length. */
  varint(value: number): void {
    this.#ensure(5);
    const bytes = this.#bytes;
    let at = this.#at;
    let rest = value;
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#at = at;
  }

  /** Writes a signed integer of at most 32 bits as a varint: of ten bytes when it is negative. */
  int32(value: number): void {
    if (value >= 0) this.varint(value);
    else this.#varint64(value | 0, -1);
  }

  /** Writes an integer that fits an int64 or a uint64 as a varint. */
  int64(value: bigint): void {
    this.#varint64(lowerOfLong(value), upperOfLong(value));
  }

  /** Writes an integer that fits an int64 as a zigzag varint. */
  sint64(value: bigint): void {
    const lower = lowerOfLong(value);
    const upper = upperOfLong(value);
    const sign = upper >> 31;
    this.#varint64((lower << 1) ^ sign, ((upper << 1) | (lower >>> 31)) ^ sign);
  }

  /** Writes four bytes, of an integer of 32 bits. */
  fixed32(value: number): void {
    this.#ensure(4);
    const bytes = this.#bytes;
    const at = this.#at;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
    this.#at = at + 4;
  }

  /** Writes eight bytes, of an integer that fits an int64 or a uint64. */
  fixed64(value: bigint): void {
    this.fixed32(lowerOfLong(value));
    this.fixed32(upperOfLong(value));
  }

  /** Writes four bytes of a float. */
  float(value: number): void {
    this.fixed32(bitsOfFloat(value));
  }

  /** Writes eight bytes of a double. */
  double(value: number): void {
    this.fixed32(lowerOfDouble(value));
    this.fixed32(upperOfDouble(value));
  }

  /** Writes a string with its length. A surrogate without its other half becomes U+FFFD. */
  string(value: string): void {
    const length = value.length;
    if (length > shortText) return this.#longText(value);
    this.#ensure(length + 1);
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = length;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return this.#longText(value);
      bytes[at++] = unit;
    }
    this.#at = at;
  }

  /** Writes a string with its tag and its length. */
  taggedString(tag: number, value: string): void {
    const length = value.length;
    this.#ensure(length + 2);
    if (tag > 0x7f || length > shortText) {
      this.varint(tag);
      this.string(value);
      return;
    }
    const bytes = this.#bytes;
    const start = this.#at;
    bytes[start] = tag;
    bytes[start + 1] = length;
    let at = start + 2;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) {
        this.#at = start + 1;
        this.#longText(value);
        return;
      }
      bytes[at++] = unit;
    }
    this.#at = at;
  }

  /** Writes bytes with their length. */
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.raw(value);
  }

  /** Writes bytes that are in the wire format already. */
  raw(value: Uint8Array): void {
    const length = value.length;
    this.#ensure(length);
    const bytes = this.#bytes;
    const at = this.#at;
    if (length < 32) for (let index = 0; index < length; index++) bytes[at + index] = value[index] as number;
    else bytes.set(value, at);
    this.#at = at + length;
  }

  /** Writes fields that were read without being known. */
  unknown(fields: readonly UnknownField[]): void {
    for (let index = 0; index < fields.length; index++) {
      const { no, wireType, data } = fields[index] as UnknownField;
      this.varint(((no << 3) | wireType) >>> 0);
      this.raw(data);
    }
  }

  /** Leaves room for the length of what follows. Returns where. */
  open(): number {
    this.#ensure(lengthBytes);
    const place = this.#at - this.#start;
    this.#at += lengthBytes;
    return place;
  }

  /** Writes the length that {@link open} left room for. */
  close(place: number): void {
    const head = this.#start + place;
    const length = this.#at - head - lengthBytes;
    if (length < 0x80) this.#bytes[head] = length;
    else this.#widen(place, length);
  }

  #widen(place: number, length: number): void {
    const more = sizeOf(length) - lengthBytes;
    this.#ensure(more);
    const head = this.#start + place;
    const from = head + lengthBytes;
    this.#bytes.copyWithin(from + more, from, this.#at);
    const end = this.#at + more;
    this.#at = head;
    this.varint(length);
    this.#at = end;
  }

  #longText(value: string): void {
    const units = value.length;
    if (units > mediumText) {
      const length = Buffer.byteLength(value);
      this.varint(length);
      this.#ensure(length);
      this.#at += this.#bytes.utf8Write(value, this.#at, length);
      return;
    }
    this.#ensure(units * 3 + 5);
    // Most text is ASCII: then this is the size of its length.
    const guess = units < 0x80 ? 1 : 2;
    const head = this.#at;
    const length = this.#bytes.utf8Write(value, head + guess, units * 3);
    const size = sizeOf(length);
    if (size !== guess) this.#bytes.copyWithin(head + size, head + guess, head + guess + length);
    this.varint(length);
    this.#at += length;
  }

  #varint64(lower: number, upper: number): void {
    this.#ensure(10);
    const bytes = this.#bytes;
    let at = this.#at;
    let rest = lower >>> 0;
    let above = upper >>> 0;
    while (above !== 0) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest = ((rest >>> 7) | (above << 25)) >>> 0;
      above >>>= 7;
    }
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#at = at;
  }

  #ensure(length: number): void {
    if (this.#at + length > this.#bytes.length) this.#grow(length);
  }

  #grow(length: number): void {
    const used = this.#at - this.#start;
    const needed = used + length;
    const shares = needed <= sharingBytes;
    // Not from the pool that Node shares: a slab is one already.
    const grown = allocate(shares ? slabBytes : Math.max(used * 2, needed + 64));
    this.#bytes.copy(grown, 0, this.#start, this.#at);
    if (shares) this.#replaceSlab(grown);
    this.#bytes = grown;
    this.#start = 0;
    this.#at = used;
  }

  #replaceSlab(slab: Memory): void {
    this.#slab = slab;
    this.#slabAt = 0;
  }
}

function allocate(length: number): Memory {
  return Buffer.allocUnsafeSlow(length) as Memory;
}

/** How many bytes a varint of up to 32 bits has. */
function sizeOf(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}
