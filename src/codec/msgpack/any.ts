import { create, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageShape, Registry } from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import { Failure, show } from "./failure.ts";
import type { Form, FormOf, MessageForm, Properties } from "./form.ts";
import type { Reader } from "./reader.ts";

/**
 * `google.protobuf.Any`: the map of its message, with the type's URL under
 * `@type`. A message whose form is not a map of fields is under `value`.
 */
export function anyForm(registry: Registry | undefined, formOf: FormOf): MessageForm {
  const find = (url: string): DescMessage => {
    const desc = registry?.getMessage(url.slice(url.lastIndexOf("/") + 1));
    if (desc !== undefined) return desc;
    throw new Failure(
      `${show(url)} is not in the type registry: pass a registry that has it to msgpackCodec({ registry })`,
    );
  };
  return {
    write: (writer, value) => {
      const any = value as Any;
      if (any.typeUrl === "") return writer.map(0);
      const desc = find(any.typeUrl);
      const form = formOf(desc);
      const message = anyUnpack(any, desc);
      const place = writer.openMap();
      writer.string("@type");
      writer.string(any.typeUrl);
      if (form.writeFields !== undefined) {
        writer.closeMap(place, 1 + form.writeFields(writer, message as unknown as Properties));
      } else {
        writer.string("value");
        form.write(writer, message);
        writer.closeMap(place, 2);
      }
    },
    read: (reader) => {
      const start = reader.position;
      const typeUrl = readType(reader);
      if (typeUrl === undefined) return create(AnySchema);
      const desc = find(typeUrl);
      const form = formOf(desc);
      reader.rewind(start);
      reader.enter();
      // To the message, "@type" is an unknown field.
      const read = form.writeFields === undefined ? readValue : form.read;
      const message = read(reader, form) as MessageShape<DescMessage>;
      reader.leave();
      return create(AnySchema, { typeUrl, value: toBinary(desc, message) });
    },
  };
}

/** Finds the type in an Any's map, of which it need not be the first key. */
function readType(reader: Reader): string | undefined {
  const start = reader.position;
  const count = reader.map("a map");
  for (let entry = 0; entry < count; entry++) {
    if (reader.string("a string as the key") === "@type") return reader.string("the URL of a type");
    reader.skip();
  }
  if (count === 0) return undefined;
  throw reader.fail('an Any must have an "@type"', start);
}

/** Reads what is under `value` in an Any's map. */
function readValue(reader: Reader, form: Form): unknown {
  const start = reader.position;
  const count = reader.map("a map");
  let message: unknown;
  for (let entry = 0; entry < count; entry++) {
    const at = reader.position;
    if (reader.string("a string as the key") !== "value") reader.skip();
    else if (message === undefined) message = form.read(reader);
    else throw reader.fail('"value" is set twice', at);
  }
  if (message === undefined) throw reader.fail('an Any of this type must have a "value"', start);
  return message;
}
