import { Failure } from "./failure.ts";

/** Memory that many small messages share, in bytes. */
const slabBytes = 16 * 1024;

/** Memory at the end of a slab that is not worth a try, in bytes. */
const restBytes = 256;

/** Longest string that a loop writes faster than a call out of JavaScript, in UTF-16 units. */
const shortText = 40;

const nothing = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * Writes MessagePack (github.com/msgpack/msgpack/blob/master/spec.md), each
 * value in its shortest form. One writer writes many messages, one after the
 * other, into slabs of memory: a small message costs no allocation but a view.
 */
export class Writer {
  #bytes = nothing;
  /** Where the current message begins. */
  #start = 0;
  /** Where the next byte goes. */
  #at = 0;
  readonly #view = new DataView(new ArrayBuffer(8));
  readonly #scratch = new Uint8Array(this.#view.buffer);

  /** Begins a message. What was written of an unfinished one is forgotten. */
  begin(): void {
    this.#at = this.#start;
  }

  /** Ends the message and returns its bytes, which are never written again. */
  finish(): Uint8Array {
    const bytes = this.#bytes;
    const result = new Uint8Array(bytes.buffer, this.#start, this.#at - this.#start);
    this.#start = this.#at;
    // A slab of its own stays with its message: keeping it would pin its memory.
    if (bytes.length > slabBytes || this.#at + restBytes > bytes.length) {
      this.#bytes = nothing;
      this.#start = this.#at = 0;
    }
    return result;
  }

  nil(): void {
    this.#byte(0xc0);
  }

  boolean(value: boolean): void {
    this.#byte(value ? 0xc3 : 0xc2);
  }

  /** Writes an integer of at most 53 bits. */
  integer(value: number): void {
    if (value >= 0) {
      if (value < 0x80) this.#byte(value);
      else if (value < 0x100) this.#head8(0xcc, value);
      else if (value < 0x10000) this.#head16(0xcd, value);
      else if (value <= 0xffffffff) this.#head32(0xce, value);
      else this.#wide(0xcf, value);
    } else if (value >= -0x20) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#head8(0xd0, value);
    else if (value >= -0x8000) this.#head16(0xd1, value);
    else if (value >= -0x80000000) this.#head32(0xd2, value);
    else this.#wide(0xd3, value);
  }

  /** Writes an integer between -2^63 and 2^64 - 1. */
  bigint(value: bigint): void {
    const number = Number(value);
    if (Number.isSafeInteger(number)) {
      this.integer(number);
      return;
    }
    this.#view.setBigUint64(0, BigInt.asUintN(64, value));
    this.#byte(value < 0n ? 0xd3 : 0xcf);
    this.#fromScratch(8);
  }

  float32(value: number): void {
    this.#view.setFloat32(0, value);
    this.#byte(0xca);
    this.#fromScratch(4);
  }

  float64(value: number): void {
    this.#view.setFloat64(0, value);
    this.#byte(0xcb);
    this.#fromScratch(8);
  }

  /** Writes a string. A surrogate without its other half becomes U+FFFD, as in protobuf-es. */
  string(value: string): void {
    const length = value.length;
    if (length > shortText) return this.#longText(value);
    this.#ensure(length + 2);
    const bytes = this.#bytes;
    let at = this.#at;
    if (length < 0x20) bytes[at++] = 0xa0 | length;
    else {
      bytes[at++] = 0xd9;
      bytes[at++] = length;
    }
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return this.#longText(value);
      bytes[at++] = unit;
    }
    this.#at = at;
  }

  binary(value: Uint8Array): void {
    const length = value.length;
    if (length < 0x100) this.#head8(0xc4, length);
    else if (length < 0x10000) this.#head16(0xc5, length);
    else this.#head32(0xc6, size(length));
    this.raw(value);
  }

  /** Writes bytes that are MessagePack already. */
  raw(value: Uint8Array): void {
    const length = value.length;
    this.#ensure(length);
    const bytes = this.#bytes;
    const at = this.#at;
    if (length < 32) for (let index = 0; index < length; index++) bytes[at + index] = value[index] as number;
    else bytes.set(value, at);
    this.#at = at + length;
  }

  /** Writes the header of an array; its elements follow. */
  array(count: number): void {
    if (count < 0x10) this.#byte(0x90 | count);
    else if (count < 0x10000) this.#head16(0xdc, count);
    else this.#head32(0xdd, size(count));
  }

  /** Writes the header of a map; a key and a value for each entry follow. */
  map(count: number): void {
    if (count < 0x10) this.#byte(0x80 | count);
    else if (count < 0x10000) this.#head16(0xde, count);
    else this.#head32(0xdf, size(count));
  }

  /** Leaves room for the header of a map whose size shows later. Returns where. */
  openMap(): number {
    const place = this.#at - this.#start;
    this.#byte(0x80);
    return place;
  }

  /** Writes the header that {@link openMap} left room for. */
  closeMap(place: number, count: number): void {
    const head = this.#start + place;
    if (count < 0x10) {
      this.#bytes[head] = 0x80 | count;
      return;
    }
    // Rare enough to pay for it afterwards: the room was for a small map.
    this.#ensure(4);
    const moved = count < 0x10000 ? 2 : 4;
    const start = this.#start + place;
    const end = this.#at;
    this.#bytes.copyWithin(start + 1 + moved, start + 1, end);
    this.#at = start;
    this.map(count);
    this.#at = end + moved;
  }

  /** Writes an extension of 4, 8 or 12 bytes, made of 32-bit words. */
  extension(type: number, ...words: readonly number[]): void {
    if (words.length === 3) this.#head8(0xc7, 12);
    else this.#byte(words.length === 1 ? 0xd6 : 0xd7);
    this.#byte(type & 0xff);
    for (const word of words) {
      this.#view.setUint32(0, word);
      this.#fromScratch(4);
    }
  }

  #longText(value: string): void {
    const length = Buffer.byteLength(value);
    if (length < 0x20) this.#byte(0xa0 | length);
    else if (length < 0x100) this.#head8(0xd9, length);
    else if (length < 0x10000) this.#head16(0xda, length);
    else this.#head32(0xdb, size(length));
    this.#ensure(length);
    encoder.encodeInto(value, this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
  }

  #byte(value: number): void {
    this.#ensure(1);
    this.#bytes[this.#at++] = value;
  }

  #head8(code: number, value: number): void {
    this.#ensure(2);
    this.#bytes[this.#at++] = code;
    this.#bytes[this.#at++] = value;
  }

  #head16(code: number, value: number): void {
    this.#ensure(3);
    const bytes = this.#bytes;
    bytes[this.#at++] = code;
    bytes[this.#at++] = value >> 8;
    bytes[this.#at++] = value;
  }

  #head32(code: number, value: number): void {
    this.#ensure(5);
    const bytes = this.#bytes;
    bytes[this.#at++] = code;
    bytes[this.#at++] = value >>> 24;
    bytes[this.#at++] = value >>> 16;
    bytes[this.#at++] = value >>> 8;
    bytes[this.#at++] = value;
  }

  #wide(code: number, value: number): void {
    this.#view.setInt32(0, Math.floor(value / 0x100000000));
    this.#view.setUint32(4, value >>> 0);
    this.#byte(code);
    this.#fromScratch(8);
  }

  #fromScratch(length: number): void {
    this.#ensure(length);
    const bytes = this.#bytes;
    const scratch = this.#scratch;
    for (let index = 0; index < length; index++) bytes[this.#at++] = scratch[index] as number;
  }

  #ensure(length: number): void {
    if (this.#at + length > this.#bytes.length) this.#grow(length);
  }

  #grow(length: number): void {
    const used = this.#bytes.subarray(this.#start, this.#at);
    const grown = new Uint8Array(Math.max(slabBytes, used.length * 2, used.length + length + 64));
    grown.set(used);
    this.#bytes = grown;
    this.#start = 0;
    this.#at = used.length;
  }
}

/** MessagePack counts with 32 bits at most. */
function size(count: number): number {
  if (count > 0xffffffff) throw new Failure(`${count} is too long for MessagePack`);
  return count;
}
