import { ScalarType } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { scalarWriter } from "./scalar-writer.ts";
import { nameOf, scalarOf, valueWriter } from "./value-writer.ts";
import { tagOf, wireTypeOf } from "./wire-type.ts";
import type { WriteField, WriterOf } from "./form.ts";

/** A singular field that is in no oneof. */
export function singularWriter(field: DescField, writerOf: WriterOf): WriteField {
  if (field.presence === FeatureSet_FieldPresence.IMPLICIT) return implicitWriter(field);
  const { localName } = field;
  const write = valueWriter(field, writerOf);
  const missing =
    field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED
      ? `cannot encode ${field} to binary: required field not set`
      : undefined;
  return (writer, message) => {
    const value = message[localName];
    // Messages of other than proto3 inherit what is not set.
    if (value !== undefined && Object.hasOwn(message, localName)) write(writer, value);
    else if (missing !== undefined) throw new Error(missing);
  };
}

/** A field that is set when its value is not zero. */
function implicitWriter(field: DescField): WriteField {
  const { localName } = field;
  const type = scalarOf(field);
  const name = nameOf(field);
  const tag = tagOf(field.number, wireTypeOf(type));
  const write = scalarWriter(type);
  if (field.enum !== undefined) {
    const zero = field.enum.values[0]?.number;
    return (writer, message) => {
      const value = message[localName];
      if (value === zero) return;
      writer.varint(tag);
      write(writer, value, name);
    };
  }
  switch (type) {
    case ScalarType.BOOL:
      return (writer, message) => {
        const value = message[localName];
        if (value === false) return;
        writer.varint(tag);
        writer.varint(value ? 1 : 0);
      };
    case ScalarType.STRING:
      return (writer, message) => {
        const value = message[localName];
        if (value === "") return;
        writer.varint(tag);
        if (typeof value === "string") writer.string(value);
        else write(writer, value, name);
      };
    case ScalarType.BYTES:
      return (writer, message) => {
        const value = message[localName];
        if (value instanceof Uint8Array && value.length === 0) return;
        writer.varint(tag);
        write(writer, value, name);
      };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return (writer, message) => {
        const value = message[localName];
        // -0 is not zero.
        if (Object.is(value, 0)) return;
        writer.varint(tag);
        write(writer, value, name);
      };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return (writer, message) => {
        const value = message[localName];
        if (typeof value === "bigint" ? value === 0n : isZero(value)) return;
        writer.varint(tag);
        write(writer, value, name);
      };
    default:
      return (writer, message) => {
        const value = message[localName];
        if (typeof value === "number" ? value === 0 : isZero(value)) return;
        writer.varint(tag);
        write(writer, value, name);
      };
  }
}

/** Whether a value of any type is what protobuf-es takes for a zero. */
function isZero(value: unknown): boolean {
  // oxlint-disable-next-line eqeqeq -- 0n, "0" and 0 are all zero.
  return value == 0;
}
