import { ScalarType } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { formOf } from "./message-field-reader.ts";
import { own } from "../own.ts";
import { readScalar } from "./scalar-reader.ts";
import type { Properties, ReadField, ReaderOf } from "./form.ts";
import type { Reader } from "./reader.ts";

type MapField = DescField & { readonly fieldKind: "map" };

/** Reads the value of an entry, of which there may have been one before. */
type ReadEntryValue = (reader: Reader, before: unknown) => unknown;

/** A map field: one entry, which is a message with the key as field 1 and the value as field 2. */
export function mapReader(field: MapField, readerOf: ReaderOf): ReadField {
  const { localName, mapKey, utf8Validation } = field;
  const noKey = String(zeroOf(mapKey));
  const { read, zero } = entryValue(field, readerOf);
  return (reader, message) => {
    let key: bigint | boolean | number | string | undefined;
    let value: unknown;
    const end = reader.length();
    while (reader.at < end) {
      const tag = reader.tag();
      const number = tag >>> 3;
      // As in protobuf-es, the wire type does not matter.
      if (number === 1) key = readScalar(reader, mapKey, utf8Validation) as NonNullable<typeof key>;
      else if (number === 2) value = read(reader, value);
      else reader.skip(number, tag & 7);
    }
    const name = key === undefined ? noKey : String(key);
    own(message[localName] as Properties, name, value === undefined ? zero() : value);
  };
}

function entryValue(
  field: MapField,
  readerOf: ReaderOf,
): { readonly read: ReadEntryValue; readonly zero: () => unknown } {
  if (field.mapKind === "message") {
    const child = readerOf(field.message);
    const { toMessage, toLocal } = formOf(field, child);
    return {
      read: (reader, before) => {
        const value = toMessage(before);
        child.read(reader, value, reader.length());
        return toLocal(value);
      },
      zero: () => toLocal(toMessage(undefined)),
    };
  }
  if (field.mapKind === "enum") {
    const zero = field.enum.values[0]?.number;
    return { read: (reader) => reader.uint32() | 0, zero: () => zero };
  }
  const { scalar, utf8Validation } = field;
  return { read: (reader) => readScalar(reader, scalar, utf8Validation), zero: () => zeroOf(scalar) };
}

/** The value of a field that is not there. */
function zeroOf(type: ScalarType): unknown {
  switch (type) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BYTES:
      return new Uint8Array(0);
    case ScalarType.BOOL:
      return false;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return 0n;
    default:
      return 0;
  }
}
