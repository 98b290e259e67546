import type { DescField } from "@bufbuild/protobuf";
import { failedWithin, show } from "./failure.ts";
import type { FieldAccess } from "./field.ts";
import type { Form } from "./form.ts";
import { mapKeyForm } from "./map-key.ts";
import { own } from "../own.ts";

/** A map field: a map. */
export function mapField(
  desc: DescField & { readonly fieldKind: "map" },
  key: Uint8Array,
  form: Form,
): FieldAccess {
  const { localName } = desc;
  const keys = mapKeyForm(desc.mapKey);
  return {
    write: (writer, message) => {
      const map = message[localName] as Record<string, unknown>;
      const names = Object.keys(map);
      if (names.length === 0) return 0;
      writer.raw(key);
      writer.map(names.length);
      let step = "";
      try {
        for (const name of names) {
          step = name;
          keys.write(writer, name);
          form.write(writer, map[name]);
        }
      } catch (error) {
        throw failedWithin(error, `[${show(step)}]`);
      }
      return 1;
    },
    read: (reader, message) => {
      if (reader.takeNil()) return;
      const map = message[localName] as Record<string, unknown>;
      const count = reader.map("a map");
      for (let entry = 0; entry < count; entry++) {
        const at = reader.position;
        const name = keys.read(reader) as string;
        if (Object.hasOwn(map, name)) throw reader.fail(`the key ${show(name)} is set twice`, at);
        try {
          const value = form.read(reader);
          if (value !== undefined) own(map, name, value);
        } catch (error) {
          throw failedWithin(error, `[${show(name)}]`);
        }
      }
    },
  };
}
