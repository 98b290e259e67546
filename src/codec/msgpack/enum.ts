import type { DescEnum } from "@bufbuild/protobuf";
import { encodedText } from "./encoded-text.ts";
import { Failure, show } from "./failure.ts";
import type { Form } from "./form.ts";
import { readInteger } from "./number.ts";

/**
 * The form of an enum: the name of its value, or the number where there is no
 * name. Both are read. A name that is not known is ignored like an unknown
 * field, as in ProtoJSON.
 */
export function enumForm(desc: DescEnum): Form {
  const form = { write: writing(desc), read: reading(desc) };
  if (!isNull(desc)) return form;
  return {
    takesNil: true,
    write: (writer) => writer.nil(),
    read: (reader) => (reader.takeNil() ? 0 : form.read(reader)),
  };
}

function writing(desc: DescEnum): Form["write"] {
  const names = new Map<number, Uint8Array>();
  for (const value of desc.values) {
    // Of several names of a number the first is written.
    if (!names.has(value.number)) names.set(value.number, encodedText(value.jsonName));
  }
  return (writer, value) => {
    const name = names.get(value as number);
    if (name !== undefined) return writer.raw(name);
    if (typeof value !== "number" || (value | 0) !== value) {
      throw new Failure(`expected a value of ${desc.typeName}, got ${show(value)}`);
    }
    writer.integer(value);
  };
}

function reading(desc: DescEnum): Form["read"] {
  const what = `a value of ${desc.typeName}`;
  const numbers = new Map<string, number>();
  for (const value of desc.values) numbers.set(value.jsonName, value.number);
  // What the contract calls a value wins over what another one is called in JSON.
  for (const value of desc.values) numbers.set(value.name, value.number);
  const known = new Set(numbers.values());
  // Another number than that of null could not be written again.
  const anyNumber = desc.open && !isNull(desc);
  return (reader) => {
    if (reader.isString) return numbers.get(reader.string(what));
    const at = reader.position;
    const value = readInteger(reader, what);
    if (anyNumber ? (value | 0) !== value : !known.has(value)) {
      throw reader.fail(`${value} is not ${what}`, at);
    }
    return value;
  };
}

function isNull(desc: DescEnum): boolean {
  return desc.typeName === "google.protobuf.NullValue";
}
