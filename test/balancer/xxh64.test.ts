import { describe, expect, test } from "vitest";
import { Word64 } from "../../src/balancer/word64.ts";
import { Xxh64 } from "../../src/balancer/xxh64.ts";
import { seeded } from "./peers.ts";

function hex({ high, low }: Word64): string {
  return [high, low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

const mask = 0xffff_ffff_ffff_ffffn;
const primes: readonly [bigint, bigint, bigint, bigint, bigint] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
];
const [p1, p2, p3, p4, p5] = primes;
const rotate = (value: bigint, bits: bigint): bigint => ((value << bits) | (value >> (64n - bits))) & mask;
const round = (lane: bigint, input: bigint): bigint => (rotate((lane + input * p2) & mask, 31n) * p1) & mask;

/** XXH64 with seed 0, straight from its specification and slow. */
function reference(bytes: Buffer): string {
  let at = 0;
  let hash = p5;
  if (bytes.length >= 32) {
    const lanes = [(p1 + p2) & mask, p2, 0n, (mask + 1n - p1) & mask];
    for (; at + 32 <= bytes.length; at += 32) {
      for (const lane of lanes.keys()) lanes[lane] = round(lanes[lane]!, bytes.readBigUInt64LE(at + 8 * lane));
    }
    const rotated = [1n, 7n, 12n, 18n].map((bits, lane) => rotate(lanes[lane]!, bits));
    hash = rotated.reduce((sum, one) => sum + one, 0n) & mask;
    for (const lane of lanes) hash = ((hash ^ round(0n, lane)) * p1 + p4) & mask;
  }
  hash = (hash + BigInt(bytes.length)) & mask;
  for (; at + 8 <= bytes.length; at += 8) {
    hash = (rotate(hash ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * p1 + p4) & mask;
  }
  if (at + 4 <= bytes.length) {
    hash = (rotate(hash ^ ((BigInt(bytes.readUInt32LE(at)) * p1) & mask), 23n) * p2 + p3) & mask;
    at += 4;
  }
  for (; at < bytes.length; at++) hash = (rotate(hash ^ ((BigInt(bytes[at]!) * p5) & mask), 11n) * p1) & mask;
  hash = ((hash ^ (hash >> 33n)) * p2) & mask;
  hash = ((hash ^ (hash >> 29n)) * p3) & mask;
  return (hash ^ (hash >> 32n)).toString(16).padStart(16, "0");
}

describe("Xxh64", () => {
  const hasher = new Xxh64();

  // Computed with github.com/cespare/xxhash, which grpc-go uses.
  test.each([
    ["", "ef46db3751d8e999"],
    ["a", "d24ec4f1a98c6e5b"],
    ["10.0.0.1:8080_0", "23a29ae775dfd4a3"],
    ["10.0.0.1:8080_1", "e6acd2238f8f5a9c"],
    ["the quick brown fox jumps over the lazy dog, twice: the quick brown fox", "05e9f682ace6160b"],
    ["ключ", "a17d2dd13d89d19c"],
    ["😀 smile", "4167a535b5fade73"],
  ])("hashes %j", (text, expected) => {
    hasher.digest(text);
    expect(hex(hasher.hash)).toBe(expected);
    expect(reference(Buffer.from(text))).toBe(expected);
  });

  test("hashes texts of every length as the specification says", () => {
    const random = seeded(1);
    for (let length = 0; length < 300; length++) {
      const text = Array.from({ length }, () => String.fromCodePoint(Math.floor(random() * (length % 3 === 0 ? 0x2000 : 0x7f)))).join("");
      hasher.digest(text);
      expect(hex(hasher.hash), JSON.stringify(text)).toBe(reference(Buffer.from(text)));
    }
  });

  test("hashes long texts", () => {
    for (const text of ["x".repeat(100_000), "ж".repeat(100_000)]) {
      hasher.digest(text);
      expect(hex(hasher.hash)).toBe(reference(Buffer.from(text)));
    }
  });
});

describe("Word64", () => {
  test("multiplies and adds as bigint does", () => {
    const random = seeded(2);
    const word = new Word64();
    for (let turn = 0; turn < 2_000; turn++) {
      const [a, b, c, d] = Array.from({ length: 4 }, () => (random() < 0.1 ? 0xffff_ffff : Math.floor(random() * 2 ** 32)));
      const left = (BigInt(a!) << 32n) | BigInt(b!);
      const right = (BigInt(c!) << 32n) | BigInt(d!);
      word.set(a!, b!);
      word.multiply(c!, d!);
      expect(BigInt(`0x${hex(word)}`)).toBe((left * right) & mask);
      word.set(a!, b!);
      word.add(c!, d!);
      expect(BigInt(`0x${hex(word)}`)).toBe((left + right) & mask);
    }
  });
});
