import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { kinds } from "./form.ts";
import { listWriter } from "./list-writer.ts";
import { isPlainMessage } from "./local-form.ts";
import { mapWriter } from "./map-writer.ts";
import { byNumber, MessageWriter } from "./message-writer.ts";
import { oneofWriter } from "./oneof-writer.ts";
import { singularWriter } from "./singular-writer.ts";
import { fieldTag } from "./wire-type.ts";
import type { FieldWriter, WriteField, WriterOf } from "./form.ts";

/** A field, or fields of the same oneof of which at most one is set. */
type Group = readonly [DescField, ...DescField[]];

/** Makes what compiles writers of message types, each once. */
export function messageWriters(): WriterOf {
  const known = new WeakMap<DescMessage, MessageWriter>();
  const writerOf: WriterOf = (desc) => {
    const found = known.get(desc);
    if (found !== undefined) return found;
    const made = new MessageWriter(desc);
    // Kept before its fields are known: one of them may be of the same type.
    known.set(desc, made);
    for (const group of groups(desc)) made.add(fieldWriter(group, writerOf));
    return made;
  };
  return writerOf;
}

/** The fields in the order of their numbers, those of a oneof that follow each other together. */
function groups(desc: DescMessage): readonly Group[] {
  const made: [DescField, ...DescField[]][] = [];
  for (const field of desc.fields.toSorted(byNumber)) {
    const last = made.at(-1);
    if (field.oneof !== undefined && field.oneof === last?.[0].oneof) last.push(field);
    else made.push([field]);
  }
  return made;
}

function fieldWriter(group: Group, writerOf: WriterOf): FieldWriter {
  const [field] = group;
  const { localName: name, message } = field;
  const kind = kindOf(field);
  const child = message !== undefined && kind !== kinds.special ? writerOf(message) : undefined;
  return { name, kind, tag: fieldTag(field), child, write: writeField(group, writerOf) };
}

function kindOf(field: DescField): number {
  const { fieldKind, presence } = field;
  if (fieldKind === "list") return isPlainMessage(field) ? kinds.messages : kinds.special;
  if (fieldKind === "map" || field.oneof !== undefined) return kinds.special;
  if (presence === FeatureSet_FieldPresence.LEGACY_REQUIRED) return kinds.special;
  if (presence === FeatureSet_FieldPresence.EXPLICIT) {
    return isPlainMessage(field) ? kinds.message : kinds.optional;
  }
  return fieldKind === "scalar" ? field.scalar : kinds.special;
}

function writeField(group: Group, writerOf: WriterOf): WriteField {
  const [field] = group;
  if (field.fieldKind === "list") return listWriter(field, writerOf);
  if (field.fieldKind === "map") return mapWriter(field, writerOf);
  if (field.oneof !== undefined) return oneofWriter(field.oneof, group, writerOf);
  return singularWriter(field, writerOf);
}
