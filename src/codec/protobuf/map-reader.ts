import { ScalarType } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { formOf, unknownOf } from "./message-field-reader.ts";
import { own } from "./own.ts";
import { readScalar } from "./scalar-reader.ts";
import type { Properties, ReadField, ReaderOf } from "./form.ts";
import type { Reader } from "./reader.ts";

type MapField = DescField & { readonly fieldKind: "map" };

/** How to read the value of an entry, given the one that the entry had before. */
interface EntryValue {
  readonly read: (reader: Reader, before: unknown) => unknown;
  readonly zero: () => unknown;
}

/** A map field: an entry. */
export function mapReader(field: MapField, readerOf: ReaderOf): ReadField {
  const { localName, mapKey, utf8Validation } = field;
  const noKey = zeroOf(field.mapKey);
  const value = entryValue(field, readerOf);
  return (reader, message) => {
    let key: unknown;
    let held: unknown;
    const end = reader.length();
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag >>> 3 === 1) key = readScalar(reader, mapKey, utf8Validation);
      else if (tag >>> 3 === 2) held = value.read(reader, held);
      else reader.skip(tag >>> 3, tag & 7);
    }
    own(
      message[localName] as Properties,
      String(key ?? noKey),
      held === undefined ? value.zero() : held,
    );
  };
}

function entryValue(field: MapField, readerOf: ReaderOf): EntryValue {
  const { utf8Validation } = field;
  if (field.mapKind === "message") {
    const child = readerOf(field.message);
    const { toMessage, toLocal } = formOf(field, child);
    return {
      read: (reader, before) => {
        const made = toMessage(before);
        child.read(reader, made, reader.length(), before === undefined ? undefined : unknownOf(made));
        return toLocal(made);
      },
      zero: () => toLocal(toMessage(undefined)),
    };
  }
  if (field.mapKind === "enum") {
    const zero = field.enum.values[0]?.number;
    return { read: (reader) => reader.uint32() | 0, zero: () => zero };
  }
  const { scalar } = field;
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
