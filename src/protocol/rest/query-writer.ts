import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { hasCustomJsonRepresentation } from "@bufbuild/protobuf/wkt";
import { isTextMessage } from "./field-path.ts";

/** A query without its `?`, or why the fields cannot be sent in one. */
export type WrittenQuery = { readonly query: string } | string;

/** Writes the fields of a message in JSON form as query parameters, by their JSON names. */
export function writeQuery(desc: DescMessage, json: JsonObject): WrittenQuery {
  const pairs: string[] = [];
  const problem = write(desc, json, "", pairs);
  return problem ?? { query: pairs.join("&") };
}

const known = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** The fields of a message by their JSON names. */
function fieldsOf(desc: DescMessage): ReadonlyMap<string, DescField> {
  let fields = known.get(desc);
  if (fields === undefined) known.set(desc, (fields = new Map(desc.fields.map((field) => [field.jsonName, field]))));
  return fields;
}

function write(desc: DescMessage, json: JsonObject, prefix: string, pairs: string[]): string | undefined {
  const fields = fieldsOf(desc);
  for (const name of Object.keys(json)) {
    const value = json[name];
    const field = fields.get(name);
    if (value === undefined) continue;
    const path = `${prefix}${name}`;
    if (field === undefined) return `${path} is an extension, which has no place in a query`;
    if (field.fieldKind === "map") return `${path} is a map, which has no place in a query`;
    const nested = field.message;
    if (nested === undefined || isTextMessage(nested)) {
      const problem = add(path, Array.isArray(value) ? value : [value], pairs);
      if (problem !== undefined) return problem;
      continue;
    }
    if (field.fieldKind === "list" || hasCustomJsonRepresentation(nested)) {
      return `${path} has no place in a query`;
    }
    const child = value as JsonObject;
    if (Object.keys(child).length === 0) return `${path} is empty, which a query cannot say`;
    const problem = write(nested, child, `${path}.`, pairs);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function add(path: string, values: readonly JsonValue[], pairs: string[]): string | undefined {
  for (const value of values) {
    if (typeof value === "object") return `${path} has no text form`;
    pairs.push(`${path}=${encodeURIComponent(value)}`);
  }
  return undefined;
}
