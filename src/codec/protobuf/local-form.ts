import { create } from "@bufbuild/protobuf";
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { Struct } from "@bufbuild/protobuf/wkt";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { jsonOfStruct, structOfJson } from "./json-struct.ts";
import type { Properties } from "./form.ts";

/** A field that holds messages, in a list, a map or alone. */
export type MessageField = DescField & { readonly message: DescMessage };

/** How a field has its messages, where protobuf-es has them as something else. */
export interface LocalForm {
  /** The message of what the field has; undefined is an empty one. */
  readonly toMessage: (local: unknown) => Properties;
  /** What the field has for a message. */
  readonly toLocal: (message: Properties) => unknown;
}

const structForm: LocalForm = {
  toMessage: (local) => structOfJson(local),
  toLocal: (message) => jsonOfStruct(message as unknown as Struct),
};

/** The form of a field's messages, or undefined where they are what they are. */
export function localForm(field: MessageField): LocalForm | undefined {
  const { message, parent } = field;
  // A Struct is a plain object, but not in a Value.
  if (message.typeName === "google.protobuf.Struct" && parent.typeName !== "google.protobuf.Value") {
    return structForm;
  }
  // A wrapper is the bare value in a singular field of no oneof.
  if (field.fieldKind !== "message" || field.oneof !== undefined || !isWrapperDesc(message)) return undefined;
  const { typeName } = message;
  const { value: zero } = create(message) as unknown as Properties;
  return {
    toMessage: (local) => ({ $typeName: typeName, value: local === undefined ? zero : local }),
    toLocal: (made) => made["value"],
  };
}

/** Whether a field has its messages as they are, with their length before them. */
export function isPlainMessage(field: DescField): boolean {
  if (field.message === undefined || localForm(field) !== undefined) return false;
  return !("delimitedEncoding" in field && field.delimitedEncoding);
}
