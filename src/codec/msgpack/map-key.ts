import { ScalarType } from "@bufbuild/protobuf";
import type { Form } from "./form.ts";
import { scalarForm } from "./scalar.ts";

/**
 * The form of a map's key. JavaScript has all keys as strings; MessagePack has
 * them as what they are. Where that is not a string, a string is read as well.
 */
export function mapKeyForm(type: ScalarType): Form {
  const { write, read } = scalarForm(type);
  switch (type) {
    case ScalarType.STRING:
      return { write, read };
    case ScalarType.BOOL:
      return {
        write: (writer, key) => write(writer, key === "true" || (key === "false" ? false : key)),
        read: (reader) => {
          if (!reader.isString) return String(read(reader));
          const at = reader.position;
          const text = reader.string("a bool");
          if (text === "true" || text === "false") return text;
          throw reader.fail("expected a bool as the key, got a string", at);
        },
      };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { write, read: (reader) => String(read(reader)) };
    default:
      return {
        write: (writer, key) => write(writer, key === "" ? key : Number(key)),
        read: (reader) => String(read(reader)),
      };
  }
}
