import { ScalarType } from "@bufbuild/protobuf";
import type { DescField, DescOneof } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { inherits } from "./blank.ts";
import { Failure } from "./failure.ts";
import type { FieldAccess } from "./field.ts";
import type { Form, Properties } from "./form.ts";
import type { Reader } from "./reader.ts";

type SingularField = DescField & { readonly fieldKind: "scalar" | "enum" | "message" };

/** A field with one value. */
export function singularField(desc: SingularField, key: Uint8Array, form: Form): FieldAccess {
  if (desc.oneof !== undefined) return oneofField(desc, desc.oneof, key, form);
  const { localName } = desc;
  const { write, takesNil = false } = form;
  const isSet = presence(desc);
  const required = desc.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
  return {
    write: (writer, message) => {
      const value = message[localName];
      if (!isSet(value, message)) {
        if (required) throw new Failure("the field is required, but not set");
        return 0;
      }
      writer.raw(key);
      write(writer, value);
      return 1;
    },
    read: (reader, message) => {
      if (!takesNil && reader.takeNil()) return;
      const value = form.read(reader);
      if (value !== undefined) message[localName] = value;
    },
  };
}

/** Which values of a field are written. */
function presence(desc: SingularField): (value: unknown, message: Properties) => boolean {
  const { localName } = desc;
  if (desc.presence !== FeatureSet_FieldPresence.IMPLICIT) {
    // Elsewhere than in proto3, what is not set is inherited.
    return inherits(desc.parent)
      ? (value, message) => value !== undefined && Object.hasOwn(message, localName)
      : (value) => value !== undefined;
  }
  if (desc.fieldKind === "enum") {
    const zero = desc.enum.values[0]?.number;
    return (value) => value !== zero;
  }
  switch (desc.scalar) {
    case ScalarType.BYTES:
      return (value) => !(value instanceof Uint8Array) || value.length > 0;
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      // -0 is not the default.
      return (value) => !Object.is(value, 0);
    case ScalarType.STRING:
      return (value) => value !== "";
    case ScalarType.BOOL:
      return (value) => value !== false;
    default:
      // 64-bit integers may be a bigint, a number or a string.
      return (value) => value !== 0 && value !== 0n && value !== "0";
  }
}

function oneofField(desc: SingularField, oneof: DescOneof, key: Uint8Array, form: Form): FieldAccess {
  interface Choice {
    readonly case: string | undefined;
    readonly value?: unknown;
  }
  const { localName } = desc;
  const group = oneof.localName;
  const { write, takesNil = false } = form;
  const read = (reader: Reader): Choice | undefined => {
    if (!takesNil && reader.takeNil()) return undefined;
    const value = form.read(reader);
    return value === undefined ? undefined : { case: localName, value };
  };
  return {
    write: (writer, message) => {
      const choice = message[group] as Choice;
      if (choice.case !== localName) return 0;
      writer.raw(key);
      write(writer, choice.value);
      return 1;
    },
    read: (reader, message) => {
      const at = reader.position;
      const choice = read(reader);
      if (choice === undefined) return;
      const other = (message[group] as Choice).case;
      if (other !== undefined) {
        throw reader.fail(`only one field of ${oneof.name} may be set, but ${other} is as well`, at);
      }
      message[group] = choice;
    },
  };
}
