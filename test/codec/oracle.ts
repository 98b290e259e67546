import { decode, encode, ExtensionCodec } from "@msgpack/msgpack";

/** A timestamp as what it is on the wire, with nothing lost to a `Date`. */
class RawTimestamp {
  readonly data: Uint8Array;
  constructor(data: Uint8Array) {
    this.data = data;
  }
}

const extensionCodec = new ExtensionCodec();
extensionCodec.register({
  type: -1,
  encode: (value) => (value instanceof RawTimestamp ? value.data : null),
  decode: (data) => new RawTimestamp(data),
});

/** What @msgpack/msgpack makes of bytes, with 64-bit integers as bigint. */
export function oracleDecode(bytes: Uint8Array): unknown {
  // Objects have no keys that are bools or bigints.
  const mapKeyConverter = (key: unknown): string | number => (typeof key === "number" ? key : String(key));
  return plainly(decode(bytes, { useBigInt64: true, extensionCodec, mapKeyConverter }));
}

/** What @msgpack/msgpack makes of a value, with bigints as 64-bit integers. */
export function oracleEncode(value: unknown): Uint8Array {
  return encode(value, { useBigInt64: true, extensionCodec, ignoreUndefined: true, maxDepth: 500 });
}

/** Bigints as numbers where they are safe, as the expectations have them. */
export function plainly(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(plainly);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array || value instanceof RawTimestamp) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainly(inner)]));
}

/** Bytes from hex with spaces: `81 a1 61 c0`. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
}

/** Hex of bytes, without spaces. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
