import type { DescMessage } from "@bufbuild/protobuf";
import { Blank } from "./blank.ts";
import { readScalar } from "./scalar-reader.ts";
import { asciiText } from "./short-text.ts";
import { keepUnknown } from "./unknown.ts";
import { longOf } from "./words.ts";
import type { Copy } from "./copier.ts";
import type { FieldReader, Properties } from "./form.ts";
import type { Reader } from "./reader.ts";

/** Highest number of a field that is found by its place in an array. */
const highestPlace = 1000;

/** How many numbers have tags of one byte. */
const nearNumbers = 16;

/**
 * Reads messages of a type: a loop over the wire with the fields in a table.
 * Fields are added before it is used.
 */
export class MessageReader {
  readonly #desc: DescMessage;
  readonly #nextCopier: () => Copy | undefined;
  /** Fields by their numbers. An array without holes is faster. */
  readonly #fields: (FieldReader | undefined)[] = Array.from({ length: nearNumbers }, () => undefined);
  readonly #farFields = new Map<number, FieldReader>();
  /** Made for the first message: most types are compiled without ever being read. */
  #blank: Blank | undefined;

  constructor(desc: DescMessage, nextCopier: () => Copy | undefined) {
    this.#desc = desc;
    this.#nextCopier = nextCopier;
  }

  /** Adds a field. */
  add(number: number, field: FieldReader): void {
    if (number > highestPlace) {
      this.#farFields.set(number, field);
      return;
    }
    while (this.#fields.length <= number) this.#fields.push(undefined);
    this.#fields[number] = field;
  }

  /** Makes an empty message. */
  blank(): Properties {
    return (this.#blank ??= new Blank(this.#desc, this.#nextCopier)).make();
  }

  /** Reads fields into a message up to a position. */
  read(reader: Reader, message: Properties, end: number): void {
    reader.enter(this.#desc);
    const { bytes } = reader;
    const fields = this.#fields;
    // What is frequent is done here, with the position in a variable; the rest is called for.
    let { at } = reader;
    while (at < end) {
      const tag = bytes[at] as number;
      const field = tag < 0x80 && (tag & 7) < 6 ? fields[tag >>> 3] : undefined;
      if (field === undefined) {
        reader.at = at;
        this.#readField(reader, message, reader.tag());
        at = reader.at;
        continue;
      }
      at++;
      // Past the end there is undefined, which fails every comparison.
      const first = bytes[at] as number;
      // Over literals the engine makes a jump of it: over imported names it compares each time.
      switch (field.kind) {
        case 9: {
          // STRING
          const start = at + 1;
          const text = start + first <= bytes.length ? asciiText(bytes, start, first) : undefined;
          if (text !== undefined) {
            message[field.name] = text;
            at = start + first;
            continue;
          }
          break;
        }
        case 3: // INT64
          if (first < 0x80) {
            message[field.name] = longOf(first, 0);
            at++;
            continue;
          }
          break;
        case 5: // INT32
          if (first < 0x80) {
            message[field.name] = first;
            at++;
            continue;
          }
          break;
        case 12: // BYTES
          reader.at = at;
          message[field.name] = reader.binary();
          at = reader.at;
          continue;
        case 20: {
          // A message.
          reader.at = at;
          const child = field.child as MessageReader;
          const before = message[field.name] as Properties | undefined;
          const value = before ?? child.blank();
          child.read(reader, value, reader.length());
          message[field.name] = value;
          at = reader.at;
          continue;
        }
        case 21: {
          // An element of a list of messages.
          reader.at = at;
          const child = field.child as MessageReader;
          const value = child.blank();
          child.read(reader, value, reader.length());
          (message[field.name] as unknown[]).push(value);
          at = reader.at;
          continue;
        }
        case 0:
          reader.at = at;
          field.read(reader, message, tag & 7);
          at = reader.at;
          continue;
        default:
          break;
      }
      reader.at = at;
      message[field.name] = readScalar(reader, field.kind, field.strict);
      at = reader.at;
    }
    reader.at = at;
    reader.leave();
  }

  /** Reads fields into a message up to the end tag of a field, which has the delimited encoding. */
  readGroup(reader: Reader, message: Properties, number: number): void {
    reader.enter(this.#desc);
    for (;;) {
      if (reader.at >= reader.bytes.length) throw new Error("invalid end group tag");
      const tag = reader.tag();
      if ((tag & 7) !== 4) this.#readField(reader, message, tag);
      else if (tag >>> 3 === number) break;
      else throw new Error("invalid end group tag");
    }
    reader.leave();
  }

  /** Reads a field after its tag, or keeps it if it is unknown. */
  #readField(reader: Reader, message: Properties, tag: number): void {
    const no = tag >>> 3;
    const wireType = tag & 7;
    const field = no < this.#fields.length ? this.#fields[no] : this.#farFields.get(no);
    if (field !== undefined) field.read(reader, message, wireType);
    else keepUnknown(message, { no, wireType, data: reader.skip(no, wireType) });
  }
}
