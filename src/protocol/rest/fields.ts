import { create, mergeFromJson, ScalarType } from "@bufbuild/protobuf";
import type { DescField, JsonValue, Message } from "@bufbuild/protobuf";
import { FieldMaskSchema, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import type { FieldPath } from "./field-path.ts";

type Properties = Record<string, unknown>;

/** A JSON number; integers of 64 bits must do without fraction and exponent. */
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const integer = /^-?(?:0|[1-9]\d*)$/;
const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Sets a field to a value in its TypeScript form; in a list the value is appended. */
export function assign(message: Message, field: DescField, value: unknown): void {
  const properties = message as unknown as Properties;
  if (field.fieldKind === "list") (properties[field.localName] as unknown[]).push(value);
  else if ("oneof" in field && field.oneof !== undefined) {
    properties[field.oneof.localName] = { case: field.localName, value };
  } else properties[field.localName] = value;
}

/** The value of a singular field in its TypeScript form; undefined when it is not set. */
export function valueOf(message: Message, field: DescField): unknown {
  const properties = message as unknown as Properties;
  if (!("oneof" in field) || field.oneof === undefined) return properties[field.localName];
  const { case: member, value } = properties[field.oneof.localName] as {
    readonly case: string | undefined;
    readonly value?: unknown;
  };
  return member === field.localName ? value : undefined;
}

/** The message in a field, made when there is none. */
function childOf(message: Message, field: DescField & { readonly fieldKind: "message" }): Message {
  const known = valueOf(message, field);
  if (known !== undefined) return known as Message;
  const made = create(field.message);
  assign(message, field, made);
  return made;
}

/** Sets a field from the text of a path or a query parameter. Throws when the text does not suit the field. */
function assignText(message: Message, field: DescField, text: string): void {
  if (field.message?.typeName === FieldMaskSchema.typeName) {
    assign(message, field, create(FieldMaskSchema, { paths: maskPaths(text) }));
    return;
  }
  const plain = plainValue(field, text);
  if (plain !== undefined) assign(message, field, plain);
  else {
    const json = jsonOfText(field, text);
    mergeFromJson(field.parent, message, { [field.jsonName]: field.fieldKind === "list" ? [json] : json });
  }
}

/** The value of text that needs no reader of ProtoJSON; undefined for all other. */
function plainValue(field: DescField, text: string): string | number | boolean | undefined {
  switch (field.scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BOOL:
      return text === "true" ? true : text === "false" ? false : undefined;
    case ScalarType.INT32:
      return /^(?:0|-?[1-9]\d{0,8})$/.test(text) ? Number(text) : undefined;
    case ScalarType.UINT32:
      return /^(?:0|[1-9]\d{0,8})$/.test(text) ? Number(text) : undefined;
    default:
      return undefined;
  }
}

/** Sets the field at the end of a path from text, in messages that are made on the way. Throws when the text does not suit the field. */
export function assignAt(root: Message, fields: FieldPath, text: string): void {
  let message = root;
  for (const [at, field] of fields.entries()) {
    if (at === fields.length - 1) assignText(message, field, text);
    else if (field.fieldKind === "message") message = childOf(message, field);
  }
}

/** What a field takes, in words for messages. */
export function kindOf(field: DescField | undefined): string {
  if (field === undefined) return "nothing";
  if (field.message !== undefined) {
    const [inner] = field.message.fields;
    return isWrapperDesc(field.message) && inner !== undefined ? kindOf(inner) : field.message.typeName;
  }
  if (field.enum !== undefined) return field.enum.typeName;
  return ScalarType[field.scalar].toLowerCase();
}

/** Text in the ProtoJSON form of a field. */
function jsonOfText(field: DescField, text: string): JsonValue {
  if (field.message !== undefined) {
    const [inner] = field.message.fields;
    return isWrapperDesc(field.message) && inner !== undefined ? jsonOfText(inner, text) : text;
  }
  if (field.enum !== undefined) return integer.test(text) ? Number(text) : text;
  switch (field.scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BYTES: {
      // A plus that was not escaped arrives as a space.
      const bytes = text.replaceAll(" ", "+");
      return expect(bytes, base64.test(bytes));
    }
    case ScalarType.BOOL:
      return expect(text, text === "true" || text === "false") === "true";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return expect(text, number.test(text) || /^(?:NaN|-?Infinity)$/.test(text));
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return expect(text, number.test(text));
    default:
      return expect(text, integer.test(text));
  }
}

function expect(text: string, right: boolean): string {
  if (!right) throw new TypeError("it is not written as ProtoJSON has it");
  return text;
}

/** Paths of a mask; clients write both `author.given_name` and `author.givenName`. */
function maskPaths(text: string): string[] {
  if (text === "") return [];
  return text.split(",").map((path) => path.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`));
}
