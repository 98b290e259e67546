import type { DescMessage, JsonObject, JsonValue, Message } from "@bufbuild/protobuf";
import { FieldMaskSchema, hasCustomJsonRepresentation } from "@bufbuild/protobuf/wkt";
import type { FieldMask } from "@bufbuild/protobuf/wkt";
import { create } from "@bufbuild/protobuf";
import { assign, valueOf } from "./fields.ts";
import type { RestBinding } from "./rule.ts";

/** Fills the mask of a request message from the JSON of its body. */
export type MaskFiller = (message: Message, body: JsonValue) => void;

/**
 * Compiles the filling of an empty update mask, as grpc-gateway does it: for a
 * PATCH whose body is one message field, and whose request has exactly one
 * FieldMask. The paths are those that the body's JSON has, down to scalars,
 * lists, maps and messages that JSON writes in a form of their own. Undefined
 * when the binding is not like that.
 */
export function maskFiller({ httpMethod, method, body }: RestBinding): MaskFiller | undefined {
  if (httpMethod !== "PATCH" || body === undefined || body === "*" || body.fieldKind !== "message") return undefined;
  const [mask, ...others] = method.input.fields.filter(
    (field) => field.fieldKind === "message" && field.message.typeName === FieldMaskSchema.typeName,
  );
  if (mask === undefined || others.length > 0) return undefined;
  const { message: desc } = body;
  return (message, json) => {
    const given = valueOf(message, mask) as FieldMask | undefined;
    if ((given?.paths.length ?? 0) > 0 || !isObject(json)) return;
    const paths = pathsOf(desc, json, "");
    if (paths.length > 0) assign(message, mask, create(FieldMaskSchema, { paths }));
  };
}

function pathsOf(desc: DescMessage, json: JsonObject, prefix: string): string[] {
  return Object.entries(json).flatMap(([key, value]) => {
    const field = desc.fields.find(({ name, jsonName }) => name === key || jsonName === key);
    if (field === undefined) return [];
    const path = `${prefix}${field.name}`;
    if (field.fieldKind !== "message" || hasCustomJsonRepresentation(field.message)) return [path];
    // A message that is empty, or null, is changed as a whole.
    return isObject(value) && Object.keys(value).length > 0 ? pathsOf(field.message, value, `${path}.`) : [path];
  });
}

function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
