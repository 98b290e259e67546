import { ScalarType } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { localForm } from "./local-form.ts";
import { childReader, formOf } from "./message-field-reader.ts";
import { readScalar } from "./scalar-reader.ts";
import type { ReadField, ReaderOf } from "./form.ts";

/** A repeated field. Numbers may be packed or not, whatever the contract says. */
export function listReader(field: DescField & { readonly fieldKind: "list" }, readerOf: ReaderOf): ReadField {
  const { localName } = field;
  if (field.listKind === "message") {
    const child = readerOf(field.message);
    if (!field.delimitedEncoding && localForm(field) === undefined) {
      return (reader, message) => {
        const value = child.blank();
        child.read(reader, value, reader.length(), undefined);
        (message[localName] as unknown[]).push(value);
      };
    }
    const read = childReader(field, child);
    const { toMessage, toLocal } = formOf(field, child);
    return (reader, message) => {
      const value = toMessage(undefined);
      read(reader, value, undefined);
      (message[localName] as unknown[]).push(toLocal(value));
    };
  }
  const type = field.listKind === "enum" ? ScalarType.INT32 : field.scalar;
  const asString = field.listKind === "scalar" && field.longAsString;
  const { utf8Validation } = field;
  const packable = type !== ScalarType.STRING && type !== ScalarType.BYTES;
  return (reader, message, wireType) => {
    const list = message[localName] as unknown[];
    const packed = packable && wireType === WireType.LengthDelimited;
    const end = packed ? reader.length() : 0;
    while (!packed || reader.position < end) {
      const value = readScalar(reader, type, utf8Validation);
      list.push(asString ? String(value) : value);
      if (!packed) return;
    }
  };
}
