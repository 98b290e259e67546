import { ScalarType } from "@bufbuild/protobuf";
import type { Reader } from "./reader.ts";

/**
 * Reads a scalar. Strings that are not UTF-8 are an error when they must be
 * UTF-8. A switch, not a function for each type: the engine can inline it.
 */
export function readScalar(reader: Reader, type: ScalarType, strict: boolean): unknown {
  switch (type) {
    case ScalarType.STRING:
      return reader.string(strict);
    case ScalarType.INT32:
      return reader.uint32() | 0;
    case ScalarType.UINT32:
      return reader.uint32();
    case ScalarType.BOOL:
      return reader.bool();
    case ScalarType.INT64:
      return reader.int64();
    case ScalarType.UINT64:
      return reader.uint64();
    case ScalarType.DOUBLE:
      return reader.double();
    case ScalarType.FLOAT:
      return reader.float();
    case ScalarType.BYTES:
      return reader.bytes();
    case ScalarType.SINT32:
      return reader.sint32();
    case ScalarType.SINT64:
      return reader.sint64();
    case ScalarType.FIXED32:
      return reader.sfixed32() >>> 0;
    case ScalarType.SFIXED32:
      return reader.sfixed32();
    case ScalarType.FIXED64:
      return reader.fixed64();
    case ScalarType.SFIXED64:
      return reader.sfixed64();
  }
}
