import { localForm } from "./local-form.ts";
import type { Properties, ReadField, ReaderOf } from "./form.ts";
import type { LocalForm, MessageField } from "./local-form.ts";
import type { MessageReader } from "./message-reader.ts";
import type { Reader } from "./reader.ts";

/** Reads a message in a field, whose tag was read. */
export type ReadChild = (reader: Reader, child: Properties) => void;

/** What a message has for a oneof. */
interface Choice {
  readonly case: string | undefined;
  readonly value?: unknown;
}

/** A singular field of a message. Where it occurs again, the messages are merged. */
export function messageFieldReader(
  field: MessageField & { readonly fieldKind: "message" },
  readerOf: ReaderOf,
): ReadField {
  const { localName } = field;
  const child = readerOf(field.message);
  const read = childReader(field, child);
  const { toMessage, toLocal } = formOf(field, child);
  const merged = (reader: Reader, before: unknown): unknown => {
    const value = toMessage(before);
    read(reader, value);
    return toLocal(value);
  };
  const group = field.oneof?.localName;
  if (group === undefined) {
    return (reader, message) => {
      const before = Object.hasOwn(message, localName) ? message[localName] : undefined;
      message[localName] = merged(reader, before);
    };
  }
  return (reader, message) => {
    const choice = message[group] as Choice;
    const before = choice.case === localName ? choice.value : undefined;
    message[group] = { case: localName, value: merged(reader, before) };
  };
}

/** Reads a message in a field in the field's encoding. */
export function childReader(field: MessageField, child: MessageReader): ReadChild {
  const { number } = field;
  if ("delimitedEncoding" in field && field.delimitedEncoding) {
    return (reader, value) => child.readGroup(reader, value, number);
  }
  return (reader, value) => child.read(reader, value, reader.length());
}

/** How a field has its messages: mostly as what they are. */
export function formOf(field: MessageField, child: MessageReader): LocalForm {
  return (
    localForm(field) ?? {
      toMessage: (local) => (local === undefined ? child.blank() : (local as Properties)),
      toLocal: (message) => message,
    }
  );
}
