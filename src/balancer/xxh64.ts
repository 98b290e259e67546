import { Buffer } from "node:buffer";
import { Word64 } from "./word64.ts";

// The primes of XXH64, in halves.
const [p1High, p1Low] = [0x9e3779b1, 0x85ebca87] as const;
const [p2High, p2Low] = [0xc2b2ae3d, 0x27d4eb4f] as const;
const [p3High, p3Low] = [0x165667b1, 0x9e3779f9] as const;
const [p4High, p4Low] = [0x85ebca77, 0xc2b2ae63] as const;
const [p5High, p5Low] = [0x27d4eb2f, 0x165667c5] as const;

/**
 * XXH64 with seed 0 of texts in UTF-8: the hash of gRPC's and Envoy's rings
 * (gRFC A42). It allocates only for a text that is longer than all before.
 */
export class Xxh64 {
  /** The hash of the last text. */
  readonly hash: Word64 = new Word64();
  readonly #one = new Word64();
  readonly #two = new Word64();
  readonly #three = new Word64();
  readonly #four = new Word64();
  readonly #block = new Word64();
  readonly #input = new Word64();
  #bytes: Buffer = Buffer.alloc(256);
  #view: DataView = viewOf(this.#bytes);

  /** Hashes a text; {@link hash} has the result. */
  digest(text: string): void {
    const { hash } = this;
    const length = this.#encode(text);
    let at = 0;
    if (length < 32) hash.set(p5High, p5Low);
    else at = this.#stripes(length);
    hash.add(0, length);
    for (; at + 8 <= length; at += 8) {
      this.#block.set(0, 0);
      this.#round(this.#block, at);
      hash.xor(this.#block.high, this.#block.low);
      hash.rotate(27);
      hash.multiply(p1High, p1Low);
      hash.add(p4High, p4Low);
    }
    this.#rest(at, length);
    hash.xor(0, hash.high >>> 1);
    hash.multiply(p2High, p2Low);
    hash.xor(hash.high >>> 29, (hash.low >>> 29) | (hash.high << 3));
    hash.multiply(p3High, p3Low);
    hash.xor(0, hash.high);
  }

  /** Writes a text to the bytes. Returns how many there are. */
  #encode(text: string): number {
    const { length } = text;
    if (this.#bytes.length < length * 3) {
      this.#bytes = Buffer.alloc(length * 4);
      this.#view = viewOf(this.#bytes);
    }
    const bytes = this.#bytes;
    for (let at = 0; at < length; at++) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) return bytes.write(text);
      bytes[at] = unit;
    }
    return length;
  }

  /** Takes in all blocks of 32 bytes, on four lanes. Returns where they end. */
  #stripes(length: number): number {
    this.#one.set(p1High, p1Low);
    this.#one.add(p2High, p2Low);
    this.#two.set(p2High, p2Low);
    this.#three.set(0, 0);
    this.#four.set(~p1High, ~p1Low);
    this.#four.add(0, 1);
    let at = 0;
    for (; at + 32 <= length; at += 32) {
      this.#round(this.#one, at);
      this.#round(this.#two, at + 8);
      this.#round(this.#three, at + 16);
      this.#round(this.#four, at + 24);
    }
    this.hash.set(0, 0);
    this.#sum(this.#one, 1);
    this.#sum(this.#two, 7);
    this.#sum(this.#three, 12);
    this.#sum(this.#four, 18);
    this.#merge(this.#one);
    this.#merge(this.#two);
    this.#merge(this.#three);
    this.#merge(this.#four);
    return at;
  }

  /** Takes 8 bytes into a lane. */
  #round(lane: Word64, at: number): void {
    const input = this.#input;
    input.set(this.#view.getInt32(at + 4, true), this.#view.getInt32(at, true));
    input.multiply(p2High, p2Low);
    lane.add(input.high, input.low);
    lane.rotate(31);
    lane.multiply(p1High, p1Low);
  }

  #sum(lane: Word64, bits: number): void {
    const block = this.#block;
    block.set(lane.high, lane.low);
    block.rotate(bits);
    this.hash.add(block.high, block.low);
  }

  #merge(lane: Word64): void {
    const { hash } = this;
    lane.multiply(p2High, p2Low);
    lane.rotate(31);
    lane.multiply(p1High, p1Low);
    hash.xor(lane.high, lane.low);
    hash.multiply(p1High, p1Low);
    hash.add(p4High, p4Low);
  }

  /** Takes in what is left after the blocks of 8 bytes. */
  #rest(from: number, length: number): void {
    const { hash } = this;
    const block = this.#block;
    const bytes = this.#bytes;
    let at = from;
    if (at + 4 <= length) {
      block.set(0, this.#view.getInt32(at, true));
      block.multiply(p1High, p1Low);
      hash.xor(block.high, block.low);
      hash.rotate(23);
      hash.multiply(p2High, p2Low);
      hash.add(p3High, p3Low);
      at += 4;
    }
    for (; at < length; at++) {
      block.set(0, bytes[at] ?? 0);
      block.multiply(p5High, p5Low);
      hash.xor(block.high, block.low);
      hash.rotate(11);
      hash.multiply(p1High, p1Low);
    }
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
