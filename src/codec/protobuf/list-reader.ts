import { ScalarType } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { childReader, formOf } from "./message-field-reader.ts";
import { readScalar } from "./scalar-reader.ts";
import type { ReadField, ReaderOf } from "./form.ts";
import type { MessageField } from "./local-form.ts";
import type { Reader } from "./reader.ts";

type ListField = DescField & { readonly fieldKind: "list" };

/** A repeated field: one element, or packed ones. */
export function listReader(field: ListField, readerOf: ReaderOf): ReadField {
  if (field.listKind === "message") return messageListReader(field, readerOf);
  const { localName, utf8Validation } = field;
  const type = field.listKind === "enum" ? ScalarType.INT32 : field.scalar;
  const asString = field.listKind === "scalar" && field.longAsString;
  const packable = type !== ScalarType.STRING && type !== ScalarType.BYTES;
  const add = (reader: Reader, list: unknown[]): void => {
    const value = readScalar(reader, type, utf8Validation);
    list.push(asString ? String(value) : value);
  };
  return (reader, message, wireType) => {
    const list = message[localName] as unknown[];
    // Both forms are read, whatever the contract says.
    if (packable && wireType === 2) for (const end = reader.length(); reader.at < end;) add(reader, list);
    else add(reader, list);
  };
}

function messageListReader(field: ListField & MessageField, readerOf: ReaderOf): ReadField {
  const { localName } = field;
  const child = readerOf(field.message);
  const read = childReader(field, child);
  const { toMessage, toLocal } = formOf(field, child);
  return (reader, message) => {
    const value = toMessage(undefined);
    read(reader, value);
    (message[localName] as unknown[]).push(toLocal(value));
  };
}
