import { ScalarType } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { scalarWriter } from "./scalar-writer.ts";
import { nameOf, valueWriter } from "./value-writer.ts";
import { tagOf, wireTypeOf } from "./wire-type.ts";
import type { Properties, WriteField, WriterOf } from "./form.ts";

type MapField = DescField & { readonly fieldKind: "map" };

/** A map field: a message for each entry, with the key as field 1 and the value as field 2. */
export function mapWriter(field: MapField, writerOf: WriterOf): WriteField {
  const { localName } = field;
  const tag = tagOf(field.number, WireType.LengthDelimited);
  const name = nameOf(field);
  const keyTag = tagOf(1, wireTypeOf(field.mapKey));
  const writeKey = scalarWriter(field.mapKey);
  const keyOf = keyConverter(field.mapKey);
  const writeValue = valueWriter(field, writerOf, 2);
  return (writer, message) => {
    const map = message[localName] as Properties;
    const keys = Object.keys(map);
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] as string;
      writer.varint(tag);
      const place = writer.open();
      writer.varint(keyTag);
      writeKey(writer, keyOf(key), name);
      writeValue(writer, map[key]);
      writer.close(place);
    }
  };
}

/**
 * JavaScript has all keys as strings. A key that is none of its type stays one,
 * for the scalar's writer to refuse.
 */
function keyConverter(type: ScalarType): (key: string) => unknown {
  switch (type) {
    case ScalarType.STRING:
      return (key) => key;
    case ScalarType.BOOL:
      return (key) => (key === "true" ? true : key === "false" ? false : key);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return (key) => {
        try {
          return BigInt(key);
        } catch {
          return key;
        }
      };
    default:
      return (key) => {
        const number = Number.parseInt(key);
        return Number.isFinite(number) ? number : key;
      };
  }
}
