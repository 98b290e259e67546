import type { DescField } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { localForm } from "./local-form.ts";
import { scalarWriter } from "./scalar-writer.ts";
import { fieldTag, scalarOf, tagOf } from "./wire-type.ts";
import type { Properties, WriteValue, WriterOf } from "./form.ts";
import type { MessageField } from "./local-form.ts";

/**
 * Writes a value of a singular field, an element of a list or the value of a
 * map's entry, with a tag. The tag's number is the field's unless it is given.
 */
export function valueWriter(field: DescField, writerOf: WriterOf, number: number = field.number): WriteValue {
  if (field.message !== undefined) return messageWriter(field, writerOf, number);
  const tag = fieldTag(field, number);
  const write = scalarWriter(scalarOf(field));
  const name = nameOf(field);
  return (writer, value) => {
    writer.varint(tag);
    write(writer, value, name);
  };
}

/** Writes a message in a field with its tag and length, or between its tags. */
function messageWriter(field: MessageField, writerOf: WriterOf, number: number): WriteValue {
  const child = writerOf(field.message);
  const plain = (value: unknown): Properties => (value === undefined ? child.blank() : (value as Properties));
  const toMessage = localForm(field)?.toMessage ?? plain;
  if ("delimitedEncoding" in field && field.delimitedEncoding) {
    const start = tagOf(number, WireType.StartGroup);
    const end = tagOf(number, WireType.EndGroup);
    return (writer, value) => {
      writer.varint(start);
      child.write(writer, toMessage(value));
      writer.varint(end);
    };
  }
  const tag = fieldTag(field, number);
  return (writer, value) => {
    writer.varint(tag);
    const place = writer.open();
    child.write(writer, toMessage(value));
    writer.close(place);
  };
}

/** What errors call a field. */
export function nameOf(field: DescField): string {
  return `${field.parent.typeName}.${field.name}`;
}
