import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { encodedText } from "./encoded-text.ts";
import { enumForm } from "./enum.ts";
import type { Field, FieldAccess } from "./field.ts";
import type { Form, FormOf } from "./form.ts";
import { listField } from "./list-field.ts";
import { mapField } from "./map-field.ts";
import { scalarForm } from "./scalar.ts";
import { singularField } from "./singular-field.ts";
import { jsonObjectForm } from "./struct.ts";

/** Compiles a field. */
export function compileField(desc: DescField, formOf: FormOf): Field {
  const { name, jsonName } = desc;
  const key = encodedText(jsonName);
  return { name, jsonName, key, ...access(desc, key, valueForm(desc, formOf)) };
}

function access(desc: DescField, key: Uint8Array, form: Form): FieldAccess {
  if (desc.fieldKind === "list") return listField(desc, key, form);
  if (desc.fieldKind === "map") return mapField(desc, key, form);
  return singularField(desc, key, form);
}

/** The form of a field's value, element or entry as protobuf-es keeps it in this field. */
function valueForm(desc: DescField, formOf: FormOf): Form {
  if (desc.message !== undefined) return messageValueForm(desc, desc.message, formOf);
  if (desc.enum !== undefined) return enumForm(desc.enum);
  return scalarForm(desc.scalar, "longAsString" in desc && desc.longAsString);
}

function messageValueForm(desc: DescField, message: DescMessage, formOf: FormOf): Form {
  // A Struct is a plain object in a field.
  if (message.typeName === "google.protobuf.Struct") return jsonObjectForm;
  // A wrapper is the bare value where it can be: in a singular field of no oneof.
  const bare = desc.fieldKind === "message" && desc.oneof === undefined && isWrapperDesc(message);
  const [wrapped] = message.fields;
  if (bare && wrapped?.fieldKind === "scalar") return scalarForm(wrapped.scalar, wrapped.longAsString);
  return formOf(message);
}
