import { ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Writer } from "./writer.ts";

/**
 * Writes a scalar whose value is not what its type usually has, as protobuf-es
 * would: a string of digits is a number, say, and a number out of range an error.
 */
export function unusual(writer: Writer, type: ScalarType, value: unknown, field: string): void {
  try {
    writer.raw(written(type, value));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(`cannot encode field ${field} to binary: ${error.message}`, { cause: error });
  }
}

function written(type: ScalarType, value: unknown): Uint8Array {
  const writer = new BinaryWriter();
  // Its methods check what they get.
  const number = value as number;
  switch (type) {
    case ScalarType.DOUBLE:
      return writer.double(number).finish();
    case ScalarType.FLOAT:
      return writer.float(number).finish();
    case ScalarType.INT32:
      return writer.int32(number).finish();
    case ScalarType.SINT32:
      return writer.sint32(number).finish();
    case ScalarType.SFIXED32:
      return writer.sfixed32(number).finish();
    case ScalarType.UINT32:
      return writer.uint32(number).finish();
    case ScalarType.FIXED32:
      return writer.fixed32(number).finish();
    case ScalarType.INT64:
      return writer.int64(number).finish();
    case ScalarType.SINT64:
      return writer.sint64(number).finish();
    case ScalarType.SFIXED64:
      return writer.sfixed64(number).finish();
    case ScalarType.UINT64:
      return writer.uint64(number).finish();
    case ScalarType.FIXED64:
      return writer.fixed64(number).finish();
    case ScalarType.BOOL:
      return writer.bool(value as boolean).finish();
    case ScalarType.STRING:
      return writer.string(value as string).finish();
    case ScalarType.BYTES:
      return writer.bytes(bytesOf(value)).finish();
  }
}

/** Bytes of another realm, such as that of a `vm` context, are bytes as well. */
function bytesOf(value: unknown): Uint8Array {
  if (ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]") {
    return value as Uint8Array;
  }
  throw new Error("invalid bytes: expected a Uint8Array");
}
