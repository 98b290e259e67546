import { create, ScalarType } from "@bufbuild/protobuf";
import type { DescField, DescMessage, DescOneof, Message, UnknownField } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { WireType } from "@bufbuild/protobuf/wire";
import { int32s, type Random, randomScalar, randomText } from "./protobuf-random.ts";

type Properties = Record<string, unknown>;

/** How to make messages. */
export interface MessageOptions {
  /** How deep messages may be nested. Default 3. */
  readonly depth?: number;
  /** How likely a value is one that should not be there. Default 0. */
  readonly odd?: number;
}

/** Values that TypeScript would not let into a message. */
const oddities: readonly unknown[] = [
  [undefined, null, true, false, [], [1], {}, { $typeName: "wrong.Type" }, new Uint8Array(2), new Date(0)],
  ["", "0", "00", " ", "12", "-7", "0x10", "1e3", "text", "9223372036854775808", "NaN", "\ud800"],
  [1.5, -1, -0, Number.NaN, Infinity, 2 ** 31, 2 ** 32, -(2 ** 31) - 1, 1e300, 3.4028235e38, 3.4028236e38],
  [2n ** 63n, 2n ** 64n, -(2n ** 63n) - 1n, 5n, 0n],
].flat(1);

const oddKeys = ["", "x", "1.5", "true", "99999999999999999999", "0x10", " 7", "1e3"];

/** A message of a type with any fields set to anything. */
export function randomMessage(random: Random, desc: DescMessage, options: MessageOptions = {}): Message {
  const { odd = 0 } = options;
  const made = create(desc);
  const message = made as unknown as Properties;
  const share = random.of([0.05, 0.2, 0.6]);
  for (const member of desc.members) {
    const { localName } = member;
    const needed = member.kind === "field" && isRequired(member) && random.chance(0.98);
    if (needed || random.chance(share)) {
      const value = member.kind === "oneof" ? choice(random, member, options) : field(random, member, options);
      if (value !== undefined) message[localName] = value;
    }
    if (random.chance(odd / 4)) message[localName] = random.of(oddities);
    else if (random.chance(odd / 8)) delete message[localName];
  }
  if (random.chance(0.1)) message["$unknown"] = random.times(3, () => unknown(random));
  return made;
}

function isRequired({ presence }: DescField): boolean {
  return presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
}

function unknown(random: Random): UnknownField {
  const no = random.of([19_000, 2009, 3_000_000, 536_870_910]);
  return { no, wireType: WireType.LengthDelimited, data: Uint8Array.of(2, random.below(256), 0xff) };
}

function choice(random: Random, oneof: DescOneof, options: MessageOptions): unknown {
  const chosen = random.of(oneof.fields);
  if (random.chance((options.odd ?? 0) / 2)) {
    return random.of([{ case: "none", value: 1 }, { case: chosen.localName }, {}]);
  }
  const value = single(random, chosen, options);
  return value === undefined ? undefined : { case: chosen.localName, value };
}

function field(random: Random, desc: DescField, options: MessageOptions): unknown {
  const { odd = 0 } = options;
  if (desc.fieldKind === "list") {
    const items = random.times(random.chance(0.05) ? 40 : 3, () => single(random, desc, options));
    return items.filter((value) => value !== undefined || odd > 0);
  }
  if (desc.fieldKind !== "map") return single(random, desc, options);
  const map: Properties = {};
  for (let count = random.below(4); count > 0; count--) {
    const value = single(random, desc, options);
    const key = random.chance(odd) ? random.of(oddKeys) : String(randomScalar(random, desc.mapKey));
    if (value === undefined) continue;
    // Assigned, __proto__ would not be a key.
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return map;
}

function single(random: Random, desc: DescField, options: MessageOptions): unknown {
  const { depth = 3, odd = 0 } = options;
  if (random.chance(odd / 8)) return random.of(oddities);
  if (desc.enum !== undefined) {
    return random.chance(0.2) ? random.of(int32s) : random.of(desc.enum.values).number;
  }
  if (desc.message === undefined) {
    if (desc.scalar === ScalarType.STRING) return randomText(random, odd > 0);
    return randomScalar(random, desc.scalar, "longAsString" in desc && desc.longAsString);
  }
  if (isJson(desc)) return json(random, 2);
  const [wrapped] = desc.message.fields;
  const bare = desc.fieldKind === "message" && desc.oneof === undefined && isWrapperDesc(desc.message);
  if (bare && wrapped?.scalar !== undefined) return randomScalar(random, wrapped.scalar);
  return depth <= 0 ? undefined : randomMessage(random, desc.message, { depth: depth - 1, odd });
}

/** Whether protobuf-es has a plain object in a field. */
function isJson({ message, parent }: DescField): boolean {
  return message?.typeName === "google.protobuf.Struct" && parent.typeName !== "google.protobuf.Value";
}

function json(random: Random, depth: number): Properties {
  const value = (deep: number): unknown => {
    const kind = random.below(deep > 0 ? 7 : 5);
    if (kind === 5) return random.times(3, () => value(deep - 1));
    if (kind === 6) return json(random, deep - 1);
    return random.of([null, 1.5, 0, true, false, "", randomText(random, false), undefined]);
  };
  const entry = (): readonly [string, unknown] => [randomText(random, false), value(depth - 1)];
  return Object.fromEntries(random.times(3, entry));
}
