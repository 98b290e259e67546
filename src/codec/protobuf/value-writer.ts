import { create, ScalarType } from "@bufbuild/protobuf";
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { localForm } from "./local-form.ts";
import { scalarWriter } from "./scalar-writer.ts";
import { tagOf, wireTypeOf } from "./wire-type.ts";
import type { Properties, WriteValue, WriterOf } from "./form.ts";

/**
 * Writes a value of a singular field, an element of a list or the value of a
 * map's entry, with a tag. The tag's number is the field's unless it is given.
 */
export function valueWriter(field: DescField, writerOf: WriterOf, number: number = field.number): WriteValue {
  if (field.message !== undefined) return messageValueWriter(field, writerOf, number);
  const type = scalarOf(field);
  const write = scalarWriter(type);
  const tag = tagOf(number, wireTypeOf(type));
  const name = nameOf(field);
  return (writer, value) => {
    writer.varint(tag);
    write(writer, value, name);
  };
}

/** Writes a message in a field with its tag and length, or between its tags. */
function messageValueWriter(
  field: DescField & { readonly message: DescMessage },
  writerOf: WriterOf,
  number: number,
): WriteValue {
  const write = writerOf(field.message);
  const toMessage = localForm(field)?.toMessage ?? messageOr(field.message);
  if ("delimitedEncoding" in field && field.delimitedEncoding) {
    const start = tagOf(number, WireType.StartGroup);
    const end = tagOf(number, WireType.EndGroup);
    return (writer, value) => {
      writer.varint(start);
      write(writer, toMessage(value));
      writer.varint(end);
    };
  }
  const tag = tagOf(number, WireType.LengthDelimited);
  return (writer, value) => {
    writer.varint(tag);
    const place = writer.open();
    write(writer, toMessage(value));
    writer.close(place);
  };
}

/** In a list, a map or a oneof, undefined is an empty message. */
function messageOr(desc: DescMessage): (value: unknown) => Properties {
  return (value) => (value === undefined ? create(desc) : value) as unknown as Properties;
}

/** The type of a field that holds no messages: an enum is an int32 on the wire. */
export function scalarOf(field: DescField): ScalarType {
  return field.scalar ?? ScalarType.INT32;
}

/** How errors call a field. */
export function nameOf(field: DescField): string {
  return `${field.parent.typeName}.${field.name}`;
}
