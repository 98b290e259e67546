import type { Reader } from "./reader.ts";

/**
 * Reads an integer of any width, also from a float or a string that is one.
 * Beyond 53 bits the result is only nearly right: enough to fail a range check.
 */
export function readInteger(reader: Reader, expected: string): number {
  const { code } = reader;
  if (code < 0x80 || code >= 0xe0) {
    reader.takeCode();
    return code < 0x80 ? code : code - 0x100;
  }
  if (isWide(code)) {
    const value = readWide(reader, code);
    return typeof value === "bigint" ? Number(value) : value;
  }
  if (code === 0xca || code === 0xcb) return readWhole(reader, expected);
  if (reader.isString) return Number(readDigits(reader, expected));
  throw reader.mismatch(expected);
}

/** Reads an integer as {@link readInteger} does, but exactly. */
export function readBigint(reader: Reader, expected: string): bigint {
  const { code } = reader;
  if (isWide(code)) return BigInt(readWide(reader, code));
  return BigInt(reader.isString ? readDigits(reader, expected) : readInteger(reader, expected));
}

/** Reads a float of any width, or an integer. */
export function readFloat(reader: Reader, expected: string): number {
  const { code } = reader;
  if (code === 0xca) return reader.takeWord(4).getFloat32(0);
  if (code === 0xcb) return reader.takeWord(8).getFloat64(0);
  if (reader.isString) throw reader.mismatch(expected);
  return readInteger(reader, expected);
}

function isWide(code: number): boolean {
  return code >= 0xcc && code <= 0xd3;
}

function readWide(reader: Reader, code: number): number | bigint {
  const word = reader.takeWord(1 << (code & 3));
  switch (code) {
    case 0xcc:
      return word.getUint8(0);
    case 0xcd:
      return word.getUint16(0);
    case 0xce:
      return word.getUint32(0);
    case 0xcf:
      return word.getBigUint64(0);
    case 0xd0:
      return word.getInt8(0);
    case 0xd1:
      return word.getInt16(0);
    case 0xd2:
      return word.getInt32(0);
    default:
      return word.getBigInt64(0);
  }
}

/** A float that is an integer, as languages without integers write it. */
function readWhole(reader: Reader, expected: string): number {
  const at = reader.position;
  const value = readFloat(reader, expected);
  if (Number.isInteger(value)) return value;
  throw reader.fail(`expected ${expected}, got ${value}`, at);
}

/** The digits of an integer in a string, as in ProtoJSON. */
function readDigits(reader: Reader, expected: string): string {
  const at = reader.position;
  const text = reader.string(expected);
  if (/^-?\d{1,20}$/.test(text)) return text;
  throw reader.fail(`expected ${expected}, got a string`, at);
}
