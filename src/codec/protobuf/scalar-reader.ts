import type { Reader } from "./reader.ts";

/**
 * Reads a scalar of a type, which is the number of a `ScalarType`. Strings that
 * are not UTF-8 are an error when they are read strictly.
 */
export function readScalar(reader: Reader, type: number, strict: boolean): unknown {
  // Over literals the engine makes a jump of it: over imported names it compares each time.
  switch (type) {
    case 9: // STRING
      return reader.string(strict);
    case 5: // INT32
      return reader.uint32() | 0;
    case 13: // UINT32
      return reader.uint32();
    case 8: // BOOL
      return reader.bool();
    case 3: // INT64
      return reader.int64();
    case 4: // UINT64
      return reader.uint64();
    case 1: // DOUBLE
      return reader.double();
    case 2: // FLOAT
      return reader.float();
    case 12: // BYTES
      return reader.binary();
    case 17: // SINT32
      return reader.sint32();
    case 7: // FIXED32
      return reader.sfixed32() >>> 0;
    case 15: // SFIXED32
      return reader.sfixed32();
    case 6: // FIXED64
      return reader.fixed64();
    case 16: // SFIXED64
      return reader.sfixed64();
    default:
      // SINT64
      return reader.sint64();
  }
}
