import { create, ScalarType } from "@bufbuild/protobuf";
import type { DescField, DescMessage, Message, UnknownField } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

type Properties = Record<string, unknown>;

/** Random choices that are the same in every run (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A number from 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  }

  /** A whole number from 0 up to the limit, without it. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  times<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}

const alphabets = ["abcdefgh 0189_-", "abc\u0000\u007f", "äöüß", "☃日本語", "📚🙂", "\uFEFF\uFFFD\u0080\u07ff\u0800"];

/** Text of any length and alphabet, with lone surrogates if they are wanted. */
export function text(random: Random, surrogates: boolean): string {
  const length = random.of([0, 1, 3, 7, 11, 12, 13, 15, 16, 17, 23, 24, 25, 42, 43, 63, 64, 100, 126, 127, 128, 129, 200]);
  const letters = [...(random.chance(0.6) ? alphabets[0] as string : random.of(alphabets))];
  const long = random.chance(0.01) ? random.of([342, 1023, 1024, 1025, 5461, 5462, 16_383, 16_384, 20_000]) : length;
  let made = "";
  for (let at = 0; at < long; at++) made += random.chance(0.02) ? random.of([..."é☃📚x"]) : random.of(letters);
  if (random.chance(0.05)) made = random.of(["__proto__", "constructor", "toString", "", "1", "4294967296"]);
  return surrogates && random.chance(0.2) ? `${made}${random.of(["\ud800", "\udc00x", "\udbff\ud800"])}` : made;
}

const int32s = [0, 1, -1, 2, 127, 128, 255, 300, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455, 268_435_456, 2 ** 31 - 1, -(2 ** 31), -300];
const uint32s = [0, 1, 127, 128, 16_383, 16_384, 2 ** 28, 2 ** 31, 2 ** 32 - 1];
const int64s = [0n, 1n, -1n, 127n, 128n, 2n ** 28n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 35n, 2n ** 42n, 2n ** 49n, 2n ** 53n + 1n, 2n ** 56n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 31n), -12_345n];
const uint64s = [0n, 1n, 127n, 128n, 2n ** 32n, 2n ** 35n, 2n ** 60n, 2n ** 63n, 2n ** 64n - 1n];
const doubles = [0, -0, 1, 0.5, -1.5, 1e300, 5e-324, Number.NaN, Infinity, -Infinity, Math.PI];

/** A scalar as protobuf-es has it. */
export function scalar(random: Random, type: ScalarType, asString = false): unknown {
  const long = (value: bigint): unknown => (asString ? String(value) : value);
  switch (type) {
    case ScalarType.BOOL:
      return random.chance(0.5);
    case ScalarType.STRING:
      return text(random, false);
    case ScalarType.BYTES:
      return Uint8Array.from({ length: random.of([0, 1, 5, 31, 32, 127, 128, 300]) }, () => random.below(256));
    case ScalarType.DOUBLE:
      return random.of(doubles);
    case ScalarType.FLOAT:
      return Math.fround(random.of(doubles.filter((value) => value !== 1e300)));
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return random.of(uint32s);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return long(random.of(uint64s));
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return long(random.of(int64s));
    default:
      return random.of(int32s);
  }
}

/** Values that TypeScript would not let into a message. */
const oddities: readonly unknown[] = [
  undefined, null, "", "0", "00", " ", "12", "-7", "0x10", "1e3", "text", "9223372036854775808", "NaN", 1.5, -1, -0, Number.NaN, Infinity,
  2 ** 31, 2 ** 32, -(2 ** 31) - 1, 1e300, 3.4028235e38, 3.4028236e38, 2n ** 63n, 2n ** 64n, -(2n ** 63n) - 1n, 5n, 0n, true, false, [], [1], {},
  { $typeName: "wrong.Type" }, "\ud800", new Uint8Array(2), new Date(0),
];

/** How to make messages. */
export interface MessageOptions {
  /** How deep messages may be nested. Default 3. */
  readonly depth?: number;
  /** How likely a value is one that should not be there. Default 0. */
  readonly odd?: number;
}

/** A message of a type with any fields set to anything, made with `create()`. */
export function randomMessage(random: Random, desc: DescMessage, options: MessageOptions = {}): Message {
  const { depth = 3, odd = 0 } = options;
  const made = create(desc);
  const message = made as unknown as Properties;
  const share = random.of([0.05, 0.2, 0.6]);
  for (const member of desc.members) {
    if (member.kind === "oneof") {
      const field = random.of(member.fields);
      const value = random.chance(share) ? single(random, field, options) : undefined;
      if (value !== undefined) message[member.localName] = { case: field.localName, value };
      if (random.chance(odd)) message[member.localName] = random.of([{ case: "none", value: 1 }, { case: field.localName }, {}, undefined]);
    } else {
      const needed = member.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED && random.chance(0.98);
      if (needed || random.chance(share)) {
        const value = field(random, member, { depth, odd });
        if (value !== undefined) message[member.localName] = value;
      }
      if (random.chance(odd / 4)) message[member.localName] = random.of(oddities);
      else if (random.chance(odd / 8)) delete message[member.localName];
    }
  }
  if (random.chance(0.1)) message["$unknown"] = random.times(3, () => unknown(random));
  return made;
}

function unknown(random: Random): UnknownField {
  const no = random.of([19_000, 2009, 3_000_000, 536_870_910]);
  return { no, wireType: WireType.LengthDelimited, data: Uint8Array.of(2, random.below(256), 0xff) };
}

function field(random: Random, desc: DescField, options: MessageOptions): unknown {
  if (desc.fieldKind === "list") {
    return random.times(random.chance(0.05) ? 40 : 3, () => single(random, desc, options)).filter(
      (value) => value !== undefined || options.odd !== 0,
    );
  }
  if (desc.fieldKind !== "map") return single(random, desc, options);
  const map: Properties = {};
  for (let count = random.below(4); count > 0; count--) {
    const value = single(random, desc, options);
    let key = String(scalar(random, desc.mapKey));
    if (random.chance(options.odd ?? 0)) key = random.of(["", "x", "1.5", "true", "99999999999999999999", "0x10", " 7", "1e3"]);
    if (value !== undefined) {
      Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
    }
  }
  return map;
}

function single(random: Random, desc: DescField, options: MessageOptions): unknown {
  const { depth = 3, odd = 0 } = options;
  if (random.chance(odd / 8)) return random.of(oddities);
  if (desc.enum !== undefined) {
    const known = random.of(desc.enum.values).number;
    return random.chance(0.2) ? random.of(int32s) : known;
  }
  const surrogates = odd > 0;
  if (desc.message === undefined) {
    const type = desc.scalar;
    if (type === ScalarType.STRING && surrogates) return text(random, true);
    return type === undefined ? undefined : scalar(random, type, "longAsString" in desc && desc.longAsString);
  }
  if (desc.message.typeName === "google.protobuf.Struct" && desc.parent.typeName !== "google.protobuf.Value") {
    return json(random, 2);
  }
  const [wrapped] = desc.message.fields;
  if (desc.fieldKind === "message" && desc.oneof === undefined && isWrapperDesc(desc.message) && wrapped?.scalar !== undefined) {
    return scalar(random, wrapped.scalar);
  }
  return depth <= 0 ? undefined : randomMessage(random, desc.message, { depth: depth - 1, odd });
}

function json(random: Random, depth: number): Properties {
  const value = (deep: number): unknown => {
    const kind = random.below(deep > 0 ? 7 : 5);
    if (kind === 5) return random.times(3, () => value(deep - 1));
    if (kind === 6) return json(random, deep - 1);
    return random.of([null, 1.5, 0, true, false, "", text(random, false), undefined]);
  };
  return Object.fromEntries(random.times(3, () => [text(random, false).slice(0, 20), value(depth - 1)] as const));
}

/** Bytes as they could be on the wire for a type: known fields and others, mostly with the right wire type. */
export function randomWire(random: Random, desc: DescMessage, depth: number = 4): Uint8Array {
  const writer = new BinaryWriter();
  for (let count = random.below(random.chance(0.1) ? 30 : 6); count > 0; count--) {
    const known = desc.fields.length > 0 && random.chance(0.92);
    if (known) wireField(random, writer, random.of(desc.fields), depth);
    else wireAny(random, writer, random.of([1, 2, 15, 16, 99, 1500, 2005, 536_870_911]), random.of([0, 1, 2, 3, 5]), depth);
  }
  return writer.finish();
}

function wireField(random: Random, writer: BinaryWriter, desc: DescField, depth: number): void {
  const { number } = desc;
  if (random.chance(0.04)) {
    wireAny(random, writer, number, random.below(6), depth);
    return;
  }
  if (desc.fieldKind === "map") {
    const entry = new BinaryWriter();
    for (let count = random.of([0, 1, 2, 2, 2, 2, 2, 3, 4]); count > 0; count--) {
      const which = random.below(11);
      if (which < 5) wireScalar(random, entry, 1, desc.mapKey);
      else if (which === 10) wireAny(random, entry, random.of([1, 2, 3]), random.of([0, 1, 2, 3, 5]), depth);
      else if (desc.message !== undefined) entry.tag(2, WireType.LengthDelimited).bytes(depth > 0 ? randomWire(random, desc.message, depth - 1) : new Uint8Array(0));
      else wireScalar(random, entry, 2, desc.scalar ?? ScalarType.INT32);
    }
    writer.tag(number, WireType.LengthDelimited).bytes(entry.finish());
    return;
  }
  if (desc.message !== undefined) {
    const inner = depth > 0 ? randomWire(random, desc.message, depth - 1) : new Uint8Array(0);
    const delimited = desc.delimitedEncoding !== random.chance(0.02);
    if (!delimited) writer.tag(number, WireType.LengthDelimited).bytes(inner);
    else writer.tag(number, WireType.StartGroup).raw(inner).tag(number, WireType.EndGroup);
    return;
  }
  const type = desc.scalar ?? ScalarType.INT32;
  const packable = type !== ScalarType.STRING && type !== ScalarType.BYTES;
  if (desc.fieldKind === "list" && packable && random.chance(0.5)) {
    const packed = new BinaryWriter();
    for (let count = random.below(5); count > 0; count--) wireValue(random, packed, type);
    writer.tag(number, WireType.LengthDelimited).bytes(packed.finish());
  } else wireScalar(random, writer, number, type);
}

function wireScalar(random: Random, writer: BinaryWriter, number: number, type: ScalarType): void {
  writer.tag(number, wireTypeOf(type));
  wireValue(random, writer, type);
}

function wireTypeOf(type: ScalarType): WireType {
  if (type === ScalarType.STRING || type === ScalarType.BYTES) return WireType.LengthDelimited;
  if (type === ScalarType.DOUBLE || type === ScalarType.FIXED64 || type === ScalarType.SFIXED64) return WireType.Bit64;
  return type === ScalarType.FLOAT || type === ScalarType.FIXED32 || type === ScalarType.SFIXED32 ? WireType.Bit32 : WireType.Varint;
}

function wireValue(random: Random, writer: BinaryWriter, type: ScalarType): void {
  switch (wireTypeOf(type)) {
    case WireType.LengthDelimited:
      if (type === ScalarType.STRING && random.chance(0.9)) writer.string(text(random, false));
      else writer.bytes(scalar(random, ScalarType.BYTES) as Uint8Array);
      return;
    case WireType.Varint:
      varint(random, writer);
      return;
    case WireType.Bit32:
      for (let count = 4; count > 0; count--) writer.raw(Uint8Array.of(random.below(256)));
      return;
    default:
      for (let count = 8; count > 0; count--) writer.raw(Uint8Array.of(random.below(256)));
  }
}

/** A varint, sometimes one with needless bytes. */
function varint(random: Random, writer: BinaryWriter): void {
  const length = random.chance(0.6) ? 1 : 1 + random.below(10);
  for (let at = 1; at < length; at++) writer.raw(Uint8Array.of(random.of([0x80, 0xff, 0x80 | random.below(128)])));
  writer.raw(Uint8Array.of(random.chance(0.6) ? random.of([0, 1, 1, 2, 5]) : random.below(128)));
}

function wireAny(random: Random, writer: BinaryWriter, number: number, wireType: number, depth: number): void {
  writer.tag(number, wireType);
  if (wireType === WireType.Varint) varint(random, writer);
  else if (wireType === WireType.Bit64) wireValue(random, writer, ScalarType.DOUBLE);
  else if (wireType === WireType.Bit32) wireValue(random, writer, ScalarType.FLOAT);
  else if (wireType === WireType.LengthDelimited) wireValue(random, writer, ScalarType.BYTES);
  else if (wireType === WireType.StartGroup) {
    for (let count = random.below(3); count > 0 && depth > 0; count--) wireAny(random, writer, 1 + random.below(20), random.of([0, 1, 2, 3, 5]), depth - 1);
    writer.tag(random.chance(0.95) ? number : number === 1 ? 2 : 1, WireType.EndGroup);
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
    else if (kind === 3) list[Math.min(at, Math.max(list.length - 1, 0))] = random.of([0, 0x7f, 0x80, 0xff]);
    else list[Math.min(at, Math.max(list.length - 1, 0))] = random.below(256);
  }
  return Uint8Array.from(list);
}
