import type { DescMessage, UnknownField } from "@bufbuild/protobuf";
import { FieldError } from "@bufbuild/protobuf/reflect";
import { listWriter } from "./list-writer.ts";
import { mapWriter } from "./map-writer.ts";
import { oneofWriter } from "./oneof-writer.ts";
import { singularWriter } from "./singular-writer.ts";
import type { WriteField, WriteMessage, WriterOf } from "./form.ts";

/** Makes what compiles writers of message types, each once. */
export function messageWriters(): WriterOf {
  const known = new WeakMap<DescMessage, WriteMessage>();
  const writerOf: WriterOf = (desc) => {
    const found = known.get(desc);
    if (found !== undefined) return found;
    const fields: WriteField[] = [];
    const write = messageWriter(desc, fields);
    // Kept before its fields are known: one of them may be of the same type.
    known.set(desc, write);
    fields.push(...fieldWriters(desc, writerOf));
    return write;
  };
  return writerOf;
}

/** Writes the fields in the order of their numbers, and then what is unknown. */
function messageWriter(desc: DescMessage, fields: readonly WriteField[]): WriteMessage {
  const { typeName } = desc;
  const [first] = desc.fields.toSorted((a, b) => a.number - b.number);
  return (writer, message) => {
    const type = message["$typeName"];
    if (type !== typeName && first !== undefined) {
      throw new FieldError(first, `cannot use ${first} with message ${String(type)}`, "ForeignFieldError");
    }
    for (let at = 0; at < fields.length; at++) (fields[at] as WriteField)(writer, message);
    const unknown = message["$unknown"];
    if (unknown !== undefined) writer.unknown(unknown as readonly UnknownField[]);
  };
}

function fieldWriters(desc: DescMessage, writerOf: WriterOf): readonly WriteField[] {
  const writers: WriteField[] = [];
  const sorted = desc.fields.toSorted((a, b) => a.number - b.number);
  for (let at = 0; at < sorted.length; ) {
    const field = sorted[at] as (typeof sorted)[number];
    // The fields of a oneof that follow each other are one: at most one of them is set.
    let end = at + 1;
    if (field.oneof !== undefined) while (sorted[end]?.oneof === field.oneof) end++;
    if (field.fieldKind === "list") writers.push(listWriter(field, writerOf));
    else if (field.fieldKind === "map") writers.push(mapWriter(field, writerOf));
    else if (field.oneof === undefined) writers.push(singularWriter(field, writerOf));
    else writers.push(oneofWriter(field.oneof, sorted.slice(at, end), writerOf));
    at = end;
  }
  return writers;
}

