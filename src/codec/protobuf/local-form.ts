import { create } from "@bufbuild/protobuf";
import type { DescField, DescMessage, JsonObject } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { jsonOfStruct, structOfJson } from "./json-struct.ts";
import type { Properties } from "./form.ts";

/** How a field has its messages, where protobuf-es has them as something else. */
export interface LocalForm {
  /** The message of a field's value, or an empty one. */
  readonly toMessage: (local: unknown) => Properties;
  /** The field's value of a message. */
  readonly toLocal: (message: Properties) => unknown;
}

const structForm: LocalForm = {
  toMessage: (local) => structOfJson(local) as unknown as Properties,
  toLocal: jsonOfStruct as unknown as (message: Properties) => JsonObject,
};

/** The form of a field's messages, or undefined where they are what they are. */
export function localForm(field: DescField & { readonly message: DescMessage }): LocalForm | undefined {
  const { message } = field;
  // A Struct is a plain object, but not in a Value.
  if (
    message.typeName === "google.protobuf.Struct" &&
    field.parent?.typeName !== "google.protobuf.Value"
  ) {
    return structForm;
  }
  // A wrapper is the bare value in a singular field of no oneof.
  if (field.fieldKind !== "message" || field.oneof !== undefined || !isWrapperDesc(message)) return undefined;
  const name = message.fields[0]?.localName ?? "value";
  return {
    toMessage: (local) => {
      const made = create(message) as unknown as Properties;
      if (local !== undefined) made[name] = local;
      return made;
    },
    toLocal: (made) => made[name],
  };
}
