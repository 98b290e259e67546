import { Failure, show } from "./failure.ts";
import type { MessageForm, Properties } from "./form.ts";
import { readFloat } from "./number.ts";
import { own } from "../own.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** `google.protobuf.Struct` as a field has it in protobuf-es: a JSON object. */
export const jsonObjectForm: MessageForm = {
  write: (writer, value) => writeJsonObject(writer, value as Properties),
  read: readJsonObject,
};

/** `google.protobuf.Struct` as a message: a map. */
export const structForm: MessageForm = {
  write: (writer, value) => {
    const fields = (value as { readonly fields: Properties }).fields;
    const keys = Object.keys(fields);
    writer.map(keys.length);
    for (const key of keys) {
      writer.string(key);
      valueForm.write(writer, fields[key]);
    }
  },
  read: (reader) => structOf(readJsonObject(reader)),
};

/** `google.protobuf.ListValue`: an array. */
export const listForm: MessageForm = {
  write: (writer, value) => {
    const values = (value as { readonly values: readonly unknown[] }).values;
    writer.array(values.length);
    for (const item of values) valueForm.write(writer, item);
  },
  read: (reader) => listOf(readJsonArray(reader)),
};

/** `google.protobuf.Value`: what it holds. */
export const valueForm: MessageForm = {
  takesNil: true,
  write: (writer, value) => {
    const { kind } = value as { readonly kind: { readonly case?: string; readonly value?: unknown } };
    if (kind.case === "structValue") structForm.write(writer, kind.value);
    else if (kind.case === "listValue") listForm.write(writer, kind.value);
    else if (kind.case === "nullValue") writer.nil();
    else if (kind.case === undefined) throw new Failure("a google.protobuf.Value has no value");
    else writeJson(writer, kind.value);
  },
  read: (reader) => valueOf(readJson(reader)),
};

function writeJson(writer: Writer, value: unknown): void {
  switch (typeof value) {
    case "string":
      return writer.string(value);
    case "boolean":
      return writer.boolean(value);
    case "number":
      // -0 is a float only.
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) return writer.integer(value);
      return writer.float64(value);
    case "object":
      if (value === null) return writer.nil();
      if (!Array.isArray(value)) return writeJsonObject(writer, value as Properties);
      writer.array(value.length);
      for (const item of value) writeJson(writer, item);
      return;
    default:
      throw new Failure(`expected a JSON value, got ${show(value)}`);
  }
}

function writeJsonObject(writer: Writer, value: Properties): void {
  const keys = Object.keys(value);
  writer.map(keys.length);
  for (const key of keys) {
    writer.string(key);
    writeJson(writer, value[key]);
  }
}

function readJson(reader: Reader): unknown {
  const code = reader.code;
  if (code === 0xc0) return reader.takeNil() ? null : undefined;
  if (code === 0xc2 || code === 0xc3) return reader.boolean("a bool");
  if (reader.isString) return reader.string("a string");
  if ((code & 0xf0) === 0x80 || code === 0xde || code === 0xdf) return readJsonObject(reader);
  if ((code & 0xf0) === 0x90 || code === 0xdc || code === 0xdd) return readJsonArray(reader);
  return readFloat(reader, "a JSON value");
}

function readJsonObject(reader: Reader): Properties {
  reader.enter();
  const count = reader.map("a map");
  const object: Properties = {};
  for (let entry = 0; entry < count; entry++) {
    const at = reader.position;
    const key = reader.string("a string as the key");
    if (Object.hasOwn(object, key)) throw reader.fail(`${show(key)} is set twice`, at);
    own(object, key, readJson(reader));
  }
  reader.leave();
  return object;
}

function readJsonArray(reader: Reader): unknown[] {
  reader.enter();
  const count = reader.array("an array");
  const array: unknown[] = [];
  for (let item = 0; item < count; item++) array.push(readJson(reader));
  reader.leave();
  return array;
}

function structOf(object: Properties): Properties {
  const fields: Properties = {};
  for (const key of Object.keys(object)) own<unknown>(fields, key, valueOf(object[key]));
  return { $typeName: "google.protobuf.Struct", fields };
}

function listOf(array: readonly unknown[]): Properties {
  return { $typeName: "google.protobuf.ListValue", values: array.map(valueOf) };
}

function valueOf(json: unknown): Properties {
  return { $typeName: "google.protobuf.Value", kind: kindOf(json) };
}

function kindOf(json: unknown): Properties {
  if (json === null) return { case: "nullValue", value: 0 };
  if (Array.isArray(json)) return { case: "listValue", value: listOf(json) };
  if (typeof json === "object") return { case: "structValue", value: structOf(json as Properties) };
  return { case: `${typeof json === "boolean" ? "bool" : typeof json}Value`, value: json };
}
