import type { DescField } from "@bufbuild/protobuf";
import { readScalar } from "./scalar-reader.ts";
import type { ReadField } from "./form.ts";

/** A singular field of a scalar. */
export function scalarFieldReader(field: DescField & { readonly fieldKind: "scalar" }): ReadField {
  const { localName, scalar, longAsString, utf8Validation } = field;
  const group = field.oneof?.localName;
  return (reader, message) => {
    const read = readScalar(reader, scalar, utf8Validation);
    const value = longAsString ? String(read) : read;
    if (group === undefined) message[localName] = value;
    else message[group] = { case: localName, value };
  };
}
