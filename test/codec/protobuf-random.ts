import { ScalarType } from "@bufbuild/protobuf";

/** Random choices that are the same in every run (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A number from 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  }

  /** A whole number from 0 up to the limit, without it. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  times<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}

const ascii = Array.from("abcdefgh 0189_-");
const alphabets = [
  "abc\u0000\u007f",
  "äöüß",
  "☃日本語",
  "📚🙂",
  "\uFEFF\uFFFD\u0080\u07ff\u0800",
].map((letters) => Array.from(letters));

/** Lengths around those where strings are read or written in another way. */
const lengths = [
  0, 1, 3, 7, 11, 12, 13, 15, 16, 17, 23, 24, 25, 42, 43, 63, 64, 100, 126, 127, 128, 129, 200,
];
const greatLengths = [342, 1023, 1024, 1025, 5461, 5462, 16_383, 16_384, 20_000];

/** Text of any length and alphabet, with lone surrogates if they are wanted. */
export function randomText(random: Random, surrogates: boolean): string {
  if (random.chance(0.05)) {
    return random.of(["__proto__", "constructor", "toString", "", "1", "4294967296"]);
  }
  const length = random.of(random.chance(0.01) ? greatLengths : lengths);
  const letters = random.chance(0.6) ? ascii : random.of(alphabets);
  let made = "";
  for (let at = 0; at < length; at++) {
    made += random.of(random.chance(0.02) ? ["é", "☃", "📚"] : letters);
  }
  const more = surrogates && random.chance(0.2);
  return more ? made + random.of(["\ud800", "\udc00x", "\udbff\ud800"]) : made;
}

/** Integers around those where a varint gets another byte. */
export const int32s: readonly number[] = [
  0, 1, -1, 2, 127, 128, 255, 300, -300, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455,
  268_435_456, 2_147_483_647, -2_147_483_648,
];
const uint32s = [0, 1, 127, 128, 16_383, 16_384, 2 ** 28, 2 ** 31, 2 ** 32 - 1];
const longs = [0n, 1n, 127n, 128n, 28n, 31n, 32n, 35n, 42n, 49n, 53n, 56n].map((value) =>
  value > 1n && value < 64n ? 2n ** value : value,
);
const int64s = [
  ...longs,
  ...longs.map((value) => -value - 1n),
  2n ** 32n - 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
const uint64s = [...longs, 2n ** 63n, 2n ** 64n - 1n];
const doubles = [0, -0, 1, 0.5, -1.5, 1e300, 5e-324, Number.NaN, Infinity, -Infinity, Math.PI];

/** A scalar as protobuf-es has it. */
export function randomScalar(random: Random, type: ScalarType, asString = false): unknown {
  const long = (value: bigint): unknown => (asString ? String(value) : value);
  switch (type) {
    case ScalarType.BOOL:
      return random.chance(0.5);
    case ScalarType.STRING:
      return randomText(random, false);
    case ScalarType.BYTES: {
      const length = random.of([0, 1, 5, 31, 32, 127, 128, 300]);
      return Uint8Array.from({ length }, () => random.below(256));
    }
    case ScalarType.DOUBLE:
      return random.of(doubles);
    case ScalarType.FLOAT:
      return Math.fround(random.of(doubles.filter((value) => value !== 1e300)));
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return random.of(uint32s);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return long(random.of(uint64s));
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return long(random.of(int64s));
    default:
      return random.of(int32s);
  }
}
