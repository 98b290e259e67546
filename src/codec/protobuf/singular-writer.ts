import { ScalarType } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { scalarOf } from "./wire-type.ts";
import { valueWriter } from "./value-writer.ts";
import type { WriteField, WriterOf } from "./form.ts";

/** A singular field that is in no oneof. */
export function singularWriter(field: DescField, writerOf: WriterOf): WriteField {
  const { localName, presence } = field;
  const write = valueWriter(field, writerOf);
  if (presence === FeatureSet_FieldPresence.IMPLICIT) {
    const isZero = zeroTest(field);
    return (writer, message) => {
      const value = message[localName];
      if (!isZero(value)) write(writer, value);
    };
  }
  const required = presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
  return (writer, message) => {
    const value = message[localName];
    // What is not set is inherited, in messages of other than proto3.
    if (value !== undefined && Object.hasOwn(message, localName)) write(writer, value);
    else if (required) throw new Error(`cannot encode ${String(field)} to binary: required field not set`);
  };
}

/** Whether a value is the one that a field of implicit presence has when it is not set. */
function zeroTest(field: DescField): (value: unknown) => boolean {
  if (field.enum !== undefined) {
    const zero = field.enum.values[0]?.number;
    return (value) => value === zero;
  }
  switch (scalarOf(field)) {
    case ScalarType.BOOL:
      return (value) => value === false;
    case ScalarType.STRING:
      return (value) => value === "";
    case ScalarType.BYTES:
      return (value) => value instanceof Uint8Array && value.length === 0;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      // -0 is not zero.
      return (value) => Object.is(value, 0);
    default:
      // oxlint-disable-next-line eqeqeq -- 0n, "0" and 0 are all zero.
      return (value) => value === 0 || value === 0n || value == 0;
  }
}
