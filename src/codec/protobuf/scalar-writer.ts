import { ScalarType } from "@bufbuild/protobuf";
import { unusual } from "./unusual.ts";
import type { Writer } from "./writer.ts";

/** Writes a scalar without a tag. The field is for errors. */
export type WriteScalar = (writer: Writer, value: unknown, field: string) => void;

const largestFloat32 = 3.4028234663852886e38;

/** What writes scalars of a type. */
export function scalarWriter(type: ScalarType): WriteScalar {
  return writers[type];
}

const writers: Readonly<Record<ScalarType, WriteScalar>> = {
  [ScalarType.DOUBLE]: (writer, value, field) => {
    if (typeof value === "number") writer.double(value);
    else unusual(writer, ScalarType.DOUBLE, value, field);
  },
  [ScalarType.FLOAT]: (writer, value, field) => {
    // NaN fails the comparison, and is a float.
    if (typeof value === "number" && !(Math.abs(value) > largestFloat32 && Number.isFinite(value))) {
      writer.float(value);
    } else unusual(writer, ScalarType.FLOAT, value, field);
  },
  [ScalarType.INT32]: (writer, value, field) => {
    if (isInt32(value)) writer.int32(value);
    else unusual(writer, ScalarType.INT32, value, field);
  },
  [ScalarType.SINT32]: (writer, value, field) => {
    if (isInt32(value)) writer.varint(((value << 1) ^ (value >> 31)) >>> 0);
    else unusual(writer, ScalarType.SINT32, value, field);
  },
  [ScalarType.SFIXED32]: (writer, value, field) => {
    if (isInt32(value)) writer.fixed32(value);
    else unusual(writer, ScalarType.SFIXED32, value, field);
  },
  [ScalarType.UINT32]: (writer, value, field) => {
    if (isUint32(value)) writer.varint(value);
    else unusual(writer, ScalarType.UINT32, value, field);
  },
  [ScalarType.FIXED32]: (writer, value, field) => {
    if (isUint32(value)) writer.fixed32(value);
    else unusual(writer, ScalarType.FIXED32, value, field);
  },
  [ScalarType.INT64]: (writer, value, field) => {
    if (isInt64(value)) writer.int64(value);
    else unusual(writer, ScalarType.INT64, value, field);
  },
  [ScalarType.SINT64]: (writer, value, field) => {
    if (isInt64(value)) writer.sint64(value);
    else unusual(writer, ScalarType.SINT64, value, field);
  },
  [ScalarType.SFIXED64]: (writer, value, field) => {
    if (isInt64(value)) writer.fixed64(value);
    else unusual(writer, ScalarType.SFIXED64, value, field);
  },
  [ScalarType.UINT64]: (writer, value, field) => {
    if (isUint64(value)) writer.int64(value);
    else unusual(writer, ScalarType.UINT64, value, field);
  },
  [ScalarType.FIXED64]: (writer, value, field) => {
    if (isUint64(value)) writer.fixed64(value);
    else unusual(writer, ScalarType.FIXED64, value, field);
  },
  // As in protobuf-es, any value is true or false.
  [ScalarType.BOOL]: (writer, value) => writer.varint(value ? 1 : 0),
  [ScalarType.STRING]: (writer, value, field) => {
    if (typeof value === "string") writer.string(value);
    else unusual(writer, ScalarType.STRING, value, field);
  },
  [ScalarType.BYTES]: (writer, value, field) => {
    if (value instanceof Uint8Array) writer.bytes(value);
    else unusual(writer, ScalarType.BYTES, value, field);
  },
};

function isInt32(value: unknown): value is number {
  return typeof value === "number" && (value | 0) === value;
}

function isUint32(value: unknown): value is number {
  return typeof value === "number" && value >>> 0 === value;
}

function isInt64(value: unknown): value is bigint {
  return typeof value === "bigint" && BigInt.asIntN(64, value) === value;
}

function isUint64(value: unknown): value is bigint {
  return typeof value === "bigint" && BigInt.asUintN(64, value) === value;
}
