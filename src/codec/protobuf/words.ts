/*
 * Eight bytes of memory, as the numbers that they can be. They hold nothing
 * between two calls: one that writes them reads them as well.
 */
const long = new BigInt64Array(1);
const unsignedLong = new BigUint64Array(long.buffer);
const double = new Float64Array(long.buffer);
const float = new Float32Array(long.buffer);
const words = new Int32Array(long.buffer);

/** Where the low half of eight bytes is: it depends on the machine. */
const low = new Uint8Array(Int32Array.of(1).buffer)[0] === 1 ? 0 : 1;
const high = 1 - low;

/** The signed integer of 64 bits in two halves. */
export function longOf(lower: number, upper: number): bigint {
  words[low] = lower;
  words[high] = upper;
  return long[0] as bigint;
}

/** The unsigned integer of 64 bits in two halves. */
export function unsignedLongOf(lower: number, upper: number): bigint {
  words[low] = lower;
  words[high] = upper;
  return unsignedLong[0] as bigint;
}

/** The double of 64 bits in two halves. */
export function doubleOf(lower: number, upper: number): number {
  words[low] = lower;
  words[high] = upper;
  return double[0] as number;
}

/** The float of 32 bits. */
export function floatOf(bits: number): number {
  words[0] = bits;
  return float[0] as number;
}

/** The low half of an integer of 64 bits. */
export function lowerOfLong(value: bigint): number {
  long[0] = value;
  return words[low] as number;
}

/** The high half of an integer of 64 bits. */
export function upperOfLong(value: bigint): number {
  long[0] = value;
  return words[high] as number;
}

/** The low half of a double. */
export function lowerOfDouble(value: number): number {
  double[0] = value;
  return words[low] as number;
}

/** The high half of a double. */
export function upperOfDouble(value: number): number {
  double[0] = value;
  return words[high] as number;
}

/** The bits of a float. */
export function bitsOfFloat(value: number): number {
  float[0] = value;
  return words[0] as number;
}
