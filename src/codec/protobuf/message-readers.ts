import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { copiers } from "./copier.ts";
import { enumReader } from "./enum-reader.ts";
import { listReader } from "./list-reader.ts";
import { mapReader } from "./map-reader.ts";
import { messageFieldReader } from "./message-field-reader.ts";
import { MessageReader } from "./message-reader.ts";
import { scalarFieldReader } from "./scalar-field-reader.ts";
import type { FieldReader, ReadField, ReaderOf } from "./form.ts";

/** Makes what compiles readers of message types, each once. */
export function messageReaders(): ReaderOf {
  const known = new WeakMap<DescMessage, MessageReader>();
  const nextCopier = copiers();
  const readerOf: ReaderOf = (desc) => {
    const found = known.get(desc);
    if (found !== undefined) return found;
    const made = new MessageReader(desc, nextCopier);
    // Kept before its fields are known: one of them may be of the same type.
    known.set(desc, made);
    for (const field of desc.fields) made.add(field.number, fieldReader(field, readerOf));
    return made;
  };
  return readerOf;
}

function fieldReader(field: DescField, readerOf: ReaderOf): FieldReader {
  const { localName: name, utf8Validation: strict } = field;
  const plain = field.fieldKind === "scalar" && field.oneof === undefined && !field.longAsString;
  const scalar = plain ? field.scalar : undefined;
  return { name, strict, scalar, read: readField(field, readerOf) };
}

function readField(field: DescField, readerOf: ReaderOf): ReadField {
  switch (field.fieldKind) {
    case "scalar":
      return scalarFieldReader(field);
    case "enum":
      return enumReader(field);
    case "message":
      return messageFieldReader(field, readerOf);
    case "list":
      return listReader(field, readerOf);
    case "map":
      return mapReader(field, readerOf);
  }
}
