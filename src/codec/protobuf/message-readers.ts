import { ScalarType } from "@bufbuild/protobuf";
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { copiers } from "./copier.ts";
import { enumReader } from "./enum-reader.ts";
import { kinds } from "./form.ts";
import { listReader } from "./list-reader.ts";
import { isPlainMessage } from "./local-form.ts";
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
  const { localName: name, utf8Validation: strict, message } = field;
  const kind = kindOf(field);
  const child = message !== undefined && kind !== kinds.special ? readerOf(message) : undefined;
  return { name, kind, strict, child, read: readField(field, readerOf) };
}

function kindOf(field: DescField): number {
  // A name that all objects have is not as good as absent before it is set.
  if (field.oneof !== undefined || field.localName in Object.prototype) return kinds.special;
  switch (field.fieldKind) {
    case "scalar":
      return field.longAsString ? kinds.special : field.scalar;
    case "enum":
      return field.enum.open ? ScalarType.INT32 : kinds.special;
    case "message":
      return isPlainMessage(field) ? kinds.message : kinds.special;
    case "list":
      return isPlainMessage(field) ? kinds.messages : kinds.special;
    case "map":
      return kinds.special;
  }
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
