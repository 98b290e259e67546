import type { DescField } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { scalarWriter } from "./scalar-writer.ts";
import { nameOf, valueWriter } from "./value-writer.ts";
import { scalarOf, tagOf } from "./wire-type.ts";
import type { WriteField, WriterOf } from "./form.ts";

/** A repeated field. */
export function listWriter(field: DescField & { readonly fieldKind: "list" }, writerOf: WriterOf): WriteField {
  if (field.packed) return packedWriter(field);
  const { localName } = field;
  const write = valueWriter(field, writerOf);
  return (writer, message) => {
    const items = message[localName] as readonly unknown[];
    for (let at = 0; at < items.length; at++) write(writer, items[at]);
  };
}

/** All elements behind one tag and length. */
function packedWriter(field: DescField): WriteField {
  const { localName } = field;
  const tag = tagOf(field.number, WireType.LengthDelimited);
  const write = scalarWriter(scalarOf(field));
  const name = nameOf(field);
  return (writer, message) => {
    const items = message[localName] as readonly unknown[];
    if (items.length === 0) return;
    writer.varint(tag);
    const place = writer.open();
    for (let at = 0; at < items.length; at++) write(writer, items[at], name);
    writer.close(place);
  };
}
