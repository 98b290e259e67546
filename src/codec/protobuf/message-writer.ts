import { create } from "@bufbuild/protobuf";
import type { DescField, DescMessage, UnknownField } from "@bufbuild/protobuf";
import { FieldError } from "@bufbuild/protobuf/reflect";
import type { FieldWriter, Properties } from "./form.ts";
import type { Writer } from "./writer.ts";

/**
 * Writes messages of a type: a loop over the fields in a table. Fields are added
 * before it is used, the one with the lowest number first.
 */
export class MessageWriter {
  readonly #desc: DescMessage;
  readonly #typeName: string;
  readonly #fields: FieldWriter[] = [];

  constructor(desc: DescMessage) {
    this.#desc = desc;
    this.#typeName = desc.typeName;
  }

  /** Adds a field. */
  add(field: FieldWriter): void {
    this.#fields.push(field);
  }

  /** Writes a message: its fields in the order of their numbers, and then what is unknown. */
  write(writer: Writer, message: Properties): void {
    const type = message["$typeName"];
    if (type !== this.#typeName) this.#refuse(type);
    const fields = this.#fields;
    for (let at = 0; at < fields.length; at++) {
      const field = fields[at] as FieldWriter;
      // Over literals the engine makes a jump of it: over imported names it compares each time.
      switch (field.kind) {
        case 9: {
          // STRING
          const value = message[field.name];
          if (value === "") continue;
          if (typeof value === "string") writer.taggedString(field.tag, value);
          else field.write(writer, message);
          continue;
        }
        case 3: {
          // INT64
          const value = message[field.name];
          if (typeof value === "bigint" && BigInt.asIntN(64, value) === value) {
            if (value === 0n) continue;
            writer.varint(field.tag);
            writer.int64(value);
          } else field.write(writer, message);
          continue;
        }
        case 5: {
          // INT32
          const value = message[field.name];
          if (value === 0) continue;
          if (typeof value === "number" && (value | 0) === value) {
            writer.varint(field.tag);
            writer.int32(value);
          } else field.write(writer, message);
          continue;
        }
        case 8: {
          // BOOL
          const value = message[field.name];
          if (value === false) continue;
          writer.varint(field.tag);
          writer.varint(value ? 1 : 0);
          continue;
        }
        case 20: {
          // A message. What is inherited is not set.
          const value = message[field.name];
          if (value === undefined || !Object.hasOwn(message, field.name)) continue;
          writer.varint(field.tag);
          const place = writer.open();
          (field.child as MessageWriter).write(writer, value as Properties);
          writer.close(place);
          continue;
        }
        case 21: {
          // A list of messages.
          const items = message[field.name] as readonly unknown[];
          const child = field.child as MessageWriter;
          for (let index = 0; index < items.length; index++) {
            const item = items[index];
            writer.varint(field.tag);
            const place = writer.open();
            child.write(writer, item === undefined ? child.blank() : (item as Properties));
            writer.close(place);
          }
          continue;
        }
        case 22:
          // Anything that is set when it is there.
          if (message[field.name] !== undefined) field.write(writer, message);
          continue;
        default:
          field.write(writer, message);
      }
    }
    const unknown = message["$unknown"];
    if (unknown !== undefined) writer.unknown(unknown as readonly UnknownField[]);
  }

  /** An empty message, which is what undefined is in a list, a map or a oneof, as in protobuf-es. */
  blank(): Properties {
    return create(this.#desc);
  }

  #refuse(type: unknown): void {
    const [first] = this.#desc.fields.toSorted(byNumber);
    // As in protobuf-es, anything is an empty message of a type without fields.
    if (first === undefined) return;
    const text = `cannot use ${String(first)} with message ${String(type)}`;
    throw new FieldError(first, text, "ForeignFieldError");
  }
}

/** Sorts fields by their numbers. */
export function byNumber(a: DescField, b: DescField): number {
  return a.number - b.number;
}
