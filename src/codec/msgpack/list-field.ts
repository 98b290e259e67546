import type { DescField } from "@bufbuild/protobuf";
import { failedWithin } from "./failure.ts";
import type { FieldAccess } from "./field.ts";
import type { Form } from "./form.ts";

/** A repeated field: an array. */
export function listField(desc: DescField, key: Uint8Array, form: Form): FieldAccess {
  const { localName } = desc;
  const { write, read } = form;
  return {
    write: (writer, message) => {
      const list = message[localName] as readonly unknown[];
      const count = list.length;
      if (count === 0) return 0;
      writer.raw(key);
      writer.array(count);
      let at = 0;
      try {
        for (; at < count; at++) write(writer, list[at]);
      } catch (error) {
        throw failedWithin(error, `[${at}]`);
      }
      return 1;
    },
    read: (reader, message) => {
      if (reader.takeNil()) return;
      const list = message[localName] as unknown[];
      const count = reader.array("an array");
      let at = 0;
      try {
        for (; at < count; at++) {
          const value = read(reader);
          if (value !== undefined) list.push(value);
        }
      } catch (error) {
        throw failedWithin(error, `[${at}]`);
      }
    },
  };
}
