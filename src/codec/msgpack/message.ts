import type { DescMessage } from "@bufbuild/protobuf";
import { Failure, failedWithin, show } from "./failure.ts";
import type { Field } from "./field.ts";
import type { MessageForm, Properties } from "./form.ts";
import { blank } from "./blank.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** How many fields a reader looks ahead for the next key before it looks it up by name. */
const lookAhead = 8;

/**
 * The form of a message: a map of its fields by their JSON names, in the order
 * of their numbers. Fields may be added until the form is used.
 */
export function messageForm(desc: DescMessage, fields: readonly Field[]): MessageForm {
  const fresh = blank(desc);
  const find = finder(fields);
  const what = `a map for ${desc.typeName}`;

  const writeFields = (writer: Writer, message: Properties): number => {
    let count = 0;
    let at = 0;
    try {
      for (; at < fields.length; at++) count += (fields[at] as Field).write(writer, message);
    } catch (error) {
      throw failedWithin(error, (fields[at] as Field).jsonName);
    }
    return count;
  };

  const readFields = (reader: Reader, count: number, message: Properties): void => {
    let field: Field | undefined;
    let expected = 0;
    let seen = 0;
    let seenLater: Set<number> | undefined;
    try {
      for (let entry = 0; entry < count; entry++) {
        field = undefined;
        const start = reader.position;
        const at = find(reader, expected);
        if (at === undefined) {
          reader.skip();
          continue;
        }
        field = fields[at] as Field;
        if (at < 32) {
          const bit = 1 << at;
          if ((seen & bit) !== 0) throw reader.fail("the field is set twice", start);
          seen |= bit;
        } else {
          seenLater ??= new Set();
          if (seenLater.has(at)) throw reader.fail("the field is set twice", start);
          seenLater.add(at);
        }
        field.read(reader, message);
        expected = at + 1;
      }
    } catch (error) {
      throw field === undefined ? error : failedWithin(error, field.jsonName);
    }
  };

  return {
    writeFields,
    write: (writer, value) => {
      const message = value as Properties;
      const place = writer.openMap();
      writer.closeMap(place, writeFields(writer, message));
    },
    read: (reader) => {
      reader.enter();
      const message = fresh();
      readFields(reader, reader.map(what), message);
      reader.leave();
      return message;
    },
  };
}

/** Makes what finds the field of the next key, by its JSON name or by its name in the contract. */
function finder(fields: readonly Field[]): (reader: Reader, expected: number) => number | undefined {
  let byName: Map<string, number> | undefined;
  return (reader, expected) => {
    // Whoever writes the fields in the order of their numbers is read without a lookup.
    const end = Math.min(fields.length, expected + lookAhead);
    for (let at = expected; at < end; at++) {
      if (reader.take((fields[at] as Field).key)) return at;
    }
    byName ??= namesOf(fields);
    return byName.get(reader.string("the name of a field"));
  };
}

function namesOf(fields: readonly Field[]): Map<string, number> {
  const names = new Map<string, number>();
  for (const [at, field] of fields.entries()) names.set(field.name, at);
  // Should a JSON name be another field's name, it is the JSON name that is written.
  for (const [at, field] of fields.entries()) names.set(field.jsonName, at);
  return names;
}

/** The same form, which refuses to write messages of other types. */
export function checked<F extends MessageForm>(desc: DescMessage, form: F): F {
  const { write } = form;
  return {
    ...form,
    write: (writer, value) => {
      const type = (value as Properties | null | undefined)?.["$typeName"];
      if (type !== desc.typeName) {
        const got = typeof type === "string" ? type : show(value);
        throw new Failure(`expected a message ${desc.typeName}, got ${got}`);
      }
      write(writer, value);
    },
  };
}
