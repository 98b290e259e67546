import type { DescMessage, UnknownField } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { Blank } from "./blank.ts";
import { readScalar } from "./scalar-reader.ts";
import type { Copy } from "./copier.ts";
import type { FieldReader, Properties } from "./form.ts";
import type { Reader } from "./reader.ts";

/** Highest number of a field that is found by its place in an array. */
const highestPlace = 1000;

/** Reads messages of a type. */
export class MessageReader {
  readonly #desc: DescMessage;
  readonly #nextCopier: () => Copy | undefined;
  readonly #fields: (FieldReader | undefined)[] = [];
  readonly #others = new Map<number, FieldReader>();
  #blank: Blank | undefined;

  constructor(desc: DescMessage, nextCopier: () => Copy | undefined) {
    this.#desc = desc;
    this.#nextCopier = nextCopier;
  }

  /** Adds a field. To be done before the reader is used. */
  add(number: number, field: FieldReader): void {
    if (number > highestPlace) {
      this.#others.set(number, field);
      return;
    }
    // An array without holes is faster.
    while (this.#fields.length <= number) this.#fields.push(undefined);
    this.#fields[number] = field;
  }

  /** Makes an empty message. */
  blank(): Properties {
    return (this.#blank ??= new Blank(this.#desc, this.#nextCopier)).make();
  }

  /** Reads fields into a message up to a position. The unknown ones join those that it has. */
  read(reader: Reader, message: Properties, end: number, known: UnknownField[] | undefined): void {
    reader.enter(this.#desc);
    let unknown = known;
    while (reader.position < end) unknown = this.#readField(reader, message, reader.tag(), unknown);
    if (unknown !== undefined) message["$unknown"] = unknown;
    reader.leave();
  }

  /** Reads fields into a message up to the end tag of a field, which has the delimited encoding. */
  readGroup(reader: Reader, message: Properties, number: number, known: UnknownField[] | undefined): void {
    reader.enter(this.#desc);
    let unknown = known;
    for (;;) {
      if (reader.position >= reader.end) throw new Error("invalid end group tag");
      const tag = reader.tag();
      if ((tag & 7) !== WireType.EndGroup) unknown = this.#readField(reader, message, tag, unknown);
      else if (tag >>> 3 === number) break;
      else throw new Error("invalid end group tag");
    }
    if (unknown !== undefined) message["$unknown"] = unknown;
    reader.leave();
  }

  #readField(
    reader: Reader,
    message: Properties,
    tag: number,
    unknown: UnknownField[] | undefined,
  ): UnknownField[] | undefined {
    const number = tag >>> 3;
    const fields = this.#fields;
    const field = number < fields.length ? fields[number] : this.#others.get(number);
    if (field === undefined) return keep(reader, tag, unknown);
    if (field.scalar !== undefined) message[field.name] = readScalar(reader, field.scalar, field.strict);
    else field.read(reader, message, tag & 7);
    return unknown;
  }
}

/** Keeps a field that is not known. */
function keep(reader: Reader, tag: number, unknown: UnknownField[] = []): UnknownField[] {
  const no = tag >>> 3;
  const wireType = tag & 7;
  unknown.push({ no, wireType, data: reader.skip(no, wireType) });
  return unknown;
}
