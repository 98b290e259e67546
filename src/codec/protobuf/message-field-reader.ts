import type { DescField, DescMessage, UnknownField } from "@bufbuild/protobuf";
import { localForm } from "./local-form.ts";
import type { Properties, ReadField, ReaderOf } from "./form.ts";
import type { MessageReader } from "./message-reader.ts";
import type { Reader } from "./reader.ts";

/** Reads the rest of a message in a field, once its tag was read. */
export type ReadChild = (reader: Reader, child: Properties, unknown?: UnknownField[] | undefined) => void;

/** A singular field of a message. Where it occurs again, the messages are merged. */
export function messageFieldReader(
  field: DescField & { readonly fieldKind: "message" },
  readerOf: ReaderOf,
): ReadField {
  const { localName } = field;
  const child = readerOf(field.message);
  const read = childReader(field, child);
  if (field.oneof !== undefined) {
    const group = field.oneof.localName;
    const { toMessage, toLocal } = formOf(field, child);
    return (reader, message) => {
      const choice = message[group] as { readonly case: string | undefined; readonly value?: unknown };
      const before = choice.case === localName ? choice.value : undefined;
      const value = toMessage(before);
      read(reader, value, before === undefined ? undefined : unknownOf(value));
      message[group] = { case: localName, value: toLocal(value) };
    };
  }
  const { toMessage, toLocal } = formOf(field, child);
  return (reader, message) => {
    const before = message[localName];
    const value = toMessage(before);
    read(reader, value, before === undefined ? undefined : unknownOf(value));
    message[localName] = toLocal(value);
  };
}

/** Reads a message in a field in the field's encoding. */
export function childReader(
  field: DescField & { readonly message: DescMessage },
  child: MessageReader,
): ReadChild {
  const { number } = field;
  if ("delimitedEncoding" in field && field.delimitedEncoding) {
    return (reader, value, unknown) => child.readGroup(reader, value, number, unknown);
  }
  return (reader, value, unknown) => child.read(reader, value, reader.length(), unknown);
}

/** How a field has its messages: mostly as what they are, and as an empty one when there is none yet. */
export function formOf(
  field: DescField & { readonly message: DescMessage },
  reader: MessageReader,
): { readonly toMessage: (local: unknown) => Properties; readonly toLocal: (message: Properties) => unknown } {
  return (
    localForm(field) ?? {
      toMessage: (local) => (local === undefined ? reader.blank() : (local as Properties)),
      toLocal: (message) => message,
    }
  );
}

/** The unknown fields of a message, which more may join. */
export function unknownOf(message: Properties): UnknownField[] | undefined {
  return message["$unknown"] as UnknownField[] | undefined;
}
