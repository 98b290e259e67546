import type { DescField } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { keepUnknown } from "./unknown.ts";
import type { ReadField } from "./form.ts";

/** A singular field of an enum. */
export function enumReader(field: DescField & { readonly fieldKind: "enum" }): ReadField {
  const { localName, number: no } = field;
  const group = field.oneof?.localName;
  const values = field.enum.open ? undefined : new Set(field.enum.values.map(({ number }) => number));
  return (reader, message, wireType) => {
    const value = reader.uint32() | 0;
    if (values !== undefined && !values.has(value)) {
      // A closed enum has no values but its own.
      keepUnknown(message, { no, wireType, data: new BinaryWriter().int32(value).finish() });
    } else if (group === undefined) message[localName] = value;
    else message[group] = { case: localName, value };
  };
}
