import type { DescField, DescOneof } from "@bufbuild/protobuf";
import { valueWriter } from "./value-writer.ts";
import type { WriteField, WriteValue, WriterOf } from "./form.ts";

/** What a message has for a oneof. */
interface Choice {
  readonly case: string | undefined;
  readonly value?: unknown;
}

/** Some fields of a oneof, of which at most one is set. */
export function oneofWriter(oneof: DescOneof, fields: readonly DescField[], writerOf: WriterOf): WriteField {
  const group = oneof.localName;
  const writers = new Map<string | undefined, WriteValue>();
  for (const field of fields) writers.set(field.localName, valueWriter(field, writerOf));
  return (writer, message) => {
    const choice = message[group] as Choice;
    const name = choice.case;
    if (name !== undefined) writers.get(name)?.(writer, choice.value);
  };
}
