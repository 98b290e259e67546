import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { ListValue, Struct, Value } from "@bufbuild/protobuf/wkt";
import { own } from "../own.ts";

/** A `Struct` of a plain object; of anything else an empty one, as in protobuf-es. */
export function structOfJson(json: unknown): Struct {
  const fields: Record<string, Value> = {};
  if (json !== null && typeof json === "object" && !Array.isArray(json)) {
    for (const [key, value] of Object.entries(json)) own(fields, key, valueOfJson(value));
  }
  return { $typeName: "google.protobuf.Struct", fields };
}

/** The plain object of a `Struct`. */
export function jsonOfStruct(struct: Struct): JsonObject {
  const json: JsonObject = {};
  for (const [key, value] of Object.entries(struct.fields)) own(json, key, jsonOfValue(value));
  return json;
}

function valueOfJson(json: unknown): Value {
  return { $typeName: "google.protobuf.Value", kind: kindOfJson(json) };
}

function kindOfJson(json: unknown): Value["kind"] {
  switch (typeof json) {
    case "number":
      return { case: "numberValue", value: json };
    case "string":
      return { case: "stringValue", value: json };
    case "boolean":
      return { case: "boolValue", value: json };
    case "object":
      if (json === null) return { case: "nullValue", value: 0 };
      if (Array.isArray(json)) return { case: "listValue", value: listOfJson(json) };
      return { case: "structValue", value: structOfJson(json) };
    default:
      return { case: undefined };
  }
}

function listOfJson(json: readonly unknown[]): ListValue {
  return { $typeName: "google.protobuf.ListValue", values: Array.from(json, valueOfJson) };
}

function jsonOfValue({ kind }: Value): JsonValue {
  switch (kind.case) {
    case "structValue":
      return jsonOfStruct(kind.value);
    case "listValue":
      return kind.value.values.map(jsonOfValue);
    case "nullValue":
    case undefined:
      return null;
    default:
      return kind.value;
  }
}
