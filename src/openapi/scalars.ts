import { ScalarType } from "@bufbuild/protobuf";
import type { Json, Schema } from "./model.ts";

const longs: ReadonlyMap<ScalarType, Schema> = new Map([
  [ScalarType.INT64, { type: "string", format: "int64" }],
  [ScalarType.SINT64, { type: "string", format: "int64" }],
  [ScalarType.SFIXED64, { type: "string", format: "int64" }],
  [ScalarType.UINT64, { type: "string", format: "uint64" }],
  [ScalarType.FIXED64, { type: "string", format: "uint64" }],
]);

/** Whether values have 64 bits, so that JSON holds them as strings. */
export function isLong(type: ScalarType): boolean {
  return longs.has(type);
}

/** The schema of a scalar in ProtoJSON; for float and double also their values that are no numbers. */
export function scalarSchema(type: ScalarType): Schema {
  switch (type) {
    case ScalarType.DOUBLE:
      return floating("double", ["NaN", "Infinity", "-Infinity"]);
    case ScalarType.FLOAT:
      return floating("float", ["NaN", "Infinity", "-Infinity"]);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: "integer", format: "int32" };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: "integer", format: "uint32", minimum: 0 };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    default:
      return longs.get(type) ?? {};
  }
}

/** The schema of float or double, with those of the values outside of JSON's numbers that are allowed. */
export function floating(format: "float" | "double", others: readonly string[]): Schema {
  const number: Schema = { type: "number", format };
  return others.length === 0 ? number : { anyOf: [number, { type: "string", enum: others }] };
}

/** The schema of a map's keys, which are always strings in JSON. */
export function keySchema(type: ScalarType): Schema {
  if (type === ScalarType.STRING) return { type: "string" };
  if (type === ScalarType.BOOL) return { type: "string", enum: ["true", "false"] };
  const unsigned = /^(uint|fixed)/i.test(ScalarType[type]);
  return { type: "string", pattern: unsigned ? String.raw`^\d+$` : String.raw`^-?\d+$` };
}

/** The zero value of a scalar in ProtoJSON. */
export function zero(type: ScalarType): Json {
  if (type === ScalarType.BOOL) return false;
  if (type === ScalarType.STRING || type === ScalarType.BYTES) return "";
  return isLong(type) ? "0" : 0;
}
