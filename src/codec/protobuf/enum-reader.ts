import type { DescField, UnknownField } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { ReadField } from "./form.ts";

/** A singular field of an enum. */
export function enumReader(field: DescField & { readonly fieldKind: "enum" }): ReadField {
  const { localName, number: no } = field;
  const group = field.oneof?.localName;
  const values = field.enum.open ? undefined : new Set(field.enum.values.map(({ number }) => number));
  return (reader, message, wireType) => {
    const value = reader.uint32() | 0;
    if (values !== undefined && !values.has(value)) {
      // What a closed enum does not have is kept as an unknown field.
      const unknown = (message["$unknown"] ?? []) as UnknownField[];
      unknown.push({ no, wireType, data: new BinaryWriter().int32(value).finish() });
      message["$unknown"] = unknown;
    } else if (group === undefined) message[localName] = value;
    else message[group] = { case: localName, value };
  };
}
