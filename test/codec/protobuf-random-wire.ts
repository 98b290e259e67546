import { ScalarType } from "@bufbuild/protobuf";
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Random, randomScalar, randomText } from "./protobuf-random.ts";

type MapField = DescField & { readonly fieldKind: "map" };

const wireTypes = [
  WireType.Varint,
  WireType.Bit64,
  WireType.LengthDelimited,
  WireType.StartGroup,
  WireType.Bit32,
];

const someNumbers = [1, 2, 15, 16, 99, 1500, 2005, 536_870_911];

const nothing = new Uint8Array(0);

/** Bytes as they could be on the wire for a type: known fields and others, mostly with the right wire type. */
export function randomWire(random: Random, desc: DescMessage, depth: number = 4): Uint8Array {
  const writer = new BinaryWriter();
  for (let count = random.below(random.chance(0.1) ? 30 : 6); count > 0; count--) {
    const known = desc.fields.length > 0 && random.chance(0.92);
    if (known) field(random, writer, random.of(desc.fields), depth);
    else anything(random, writer, random.of(someNumbers), random.of(wireTypes), depth);
  }
  return writer.finish();
}

function field(random: Random, writer: BinaryWriter, desc: DescField, depth: number): void {
  const { number } = desc;
  if (random.chance(0.04)) {
    anything(random, writer, number, random.of([...wireTypes, WireType.EndGroup]), depth);
  } else if (desc.fieldKind === "map") {
    writer.tag(number, WireType.LengthDelimited).bytes(entry(random, desc, depth));
  } else if (desc.message !== undefined) {
    const inner = depth > 0 ? randomWire(random, desc.message, depth - 1) : nothing;
    const delimited = desc.delimitedEncoding !== random.chance(0.02);
    if (!delimited) writer.tag(number, WireType.LengthDelimited).bytes(inner);
    else writer.tag(number, WireType.StartGroup).raw(inner).tag(number, WireType.EndGroup);
  } else numbersOrText(random, writer, desc, desc.scalar ?? ScalarType.INT32);
}

function numbersOrText(random: Random, writer: BinaryWriter, desc: DescField, type: ScalarType): void {
  const packable = type !== ScalarType.STRING && type !== ScalarType.BYTES;
  if (desc.fieldKind !== "list" || !packable || random.chance(0.5)) {
    scalar(random, writer, desc.number, type);
    return;
  }
  const packed = new BinaryWriter();
  for (let count = random.below(5); count > 0; count--) value(random, packed, type);
  writer.tag(desc.number, WireType.LengthDelimited).bytes(packed.finish());
}

/** A map's entry, with keys and values missing or more than once. */
function entry(random: Random, desc: MapField, depth: number): Uint8Array {
  const writer = new BinaryWriter();
  for (let count = random.of([0, 1, 2, 2, 2, 2, 2, 3, 4]); count > 0; count--) {
    const which = random.below(11);
    if (which < 5) scalar(random, writer, 1, desc.mapKey);
    else if (which === 10) anything(random, writer, random.of([1, 2, 3]), random.of(wireTypes), depth);
    else if (desc.message === undefined) scalar(random, writer, 2, desc.scalar ?? ScalarType.INT32);
    else {
      const inner = depth > 0 ? randomWire(random, desc.message, depth - 1) : nothing;
      writer.tag(2, WireType.LengthDelimited).bytes(inner);
    }
  }
  return writer.finish();
}

function scalar(random: Random, writer: BinaryWriter, number: number, type: ScalarType): void {
  writer.tag(number, wireTypeOf(type));
  value(random, writer, type);
}

function wireTypeOf(type: ScalarType): WireType {
  switch (type) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}

function value(random: Random, writer: BinaryWriter, type: ScalarType): void {
  const some = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.below(256));
  switch (wireTypeOf(type)) {
    case WireType.LengthDelimited:
      if (type === ScalarType.STRING && random.chance(0.9)) writer.string(randomText(random, false));
      else writer.bytes(randomScalar(random, ScalarType.BYTES) as Uint8Array);
      return;
    case WireType.Varint:
      varint(random, writer);
      return;
    case WireType.Bit32:
      writer.raw(some(4));
      return;
    default:
      writer.raw(some(8));
  }
}

/** A varint, sometimes one with needless bytes. */
function varint(random: Random, writer: BinaryWriter): void {
  const length = random.chance(0.6) ? 0 : random.below(10);
  const more = (): number => random.of([0x80, 0xff, 0x80 | random.below(128)]);
  writer.raw(Uint8Array.from({ length }, more));
  writer.raw(Uint8Array.of(random.chance(0.6) ? random.of([0, 1, 1, 2, 5]) : random.below(128)));
}

function anything(
  random: Random,
  writer: BinaryWriter,
  number: number,
  wireType: WireType,
  depth: number,
): void {
  writer.tag(number, wireType);
  switch (wireType) {
    case WireType.Varint:
      varint(random, writer);
      return;
    case WireType.Bit64:
      value(random, writer, ScalarType.DOUBLE);
      return;
    case WireType.Bit32:
      value(random, writer, ScalarType.FLOAT);
      return;
    case WireType.LengthDelimited:
      value(random, writer, ScalarType.BYTES);
      return;
    case WireType.StartGroup:
      for (let count = depth > 0 ? random.below(3) : 0; count > 0; count--) {
        anything(random, writer, 1 + random.below(20), random.of(wireTypes), depth - 1);
      }
      // Now and then the wrong end.
      writer.tag(random.chance(0.95) || number > 2000 ? number : number + 1, WireType.EndGroup);
      return;
    default:
  }
}

/** Bytes with some of them changed, removed or added. */
export function mutated(random: Random, bytes: Uint8Array): Uint8Array {
  const list = [...bytes];
  for (let count = 1 + random.below(3); count > 0; count--) {
    const at = random.below(list.length + 1);
    const kind = random.below(5);
    if (kind === 0) list.splice(at, 1);
    else if (kind === 1) list.splice(at, 0, random.below(256));
    else if (kind === 2) list.length = at;
    else if (kind === 3) list[at] = random.of([0, 0x7f, 0x80, 0xff]);
    else list[at] = random.below(256);
  }
  return Uint8Array.from(list);
}
