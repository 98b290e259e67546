import { create, ScalarType, toBinary } from "@bufbuild/protobuf";
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { AnySchema, FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";

type Values = fc.Arbitrary<unknown>;

/** What a generator may use. */
export interface ArbitraryOptions {
  /** Types that may stand in an `Any`; without, `Any`s are empty. */
  readonly anys?: readonly DescMessage[];
  /** Without floats that not all libraries and formats carry: NaN, infinities and -0. */
  readonly finite?: boolean;
  /** Without bytes. */
  readonly textual?: boolean;
}

/** Messages of a type with any fields set to anything, as `create()` takes them. */
export function arbitraryMessage(
  desc: DescMessage,
  options: ArbitraryOptions = {},
  depth = 3,
): fc.Arbitrary<Message> {
  return init(desc, options, depth).map((value) => create(desc, value as Record<string, unknown>));
}

function init(desc: DescMessage, options: ArbitraryOptions, depth: number): Values {
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
      return fc.record({
        seconds: fc.oneof(fc.bigInt(-62135596800n, 253402300799n), fc.bigInt(0n, 2n ** 32n)),
        nanos: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
      });
    case "google.protobuf.Duration":
      return fc
        .record({
          sign: fc.constantFrom(-1, 1),
          seconds: fc.oneof(fc.constant(0n), fc.bigInt(0n, 315576000000n)),
          nanos: fc.oneof(fc.constantFrom(0, 1000, 5_000_000), fc.integer({ min: 0, max: 999_999_999 })),
        })
        .map(({ sign, seconds, nanos }) => ({ seconds: BigInt(sign) * seconds, nanos: sign * nanos + 0 }));
    case "google.protobuf.FieldMask":
      return fc.record({
        paths: fc.array(fc.stringMatching(/^[a-z]{1,5}(_[a-z]{1,4}){0,2}(\.[a-z]{1,3})?$/)),
      });
    case "google.protobuf.Value":
      return value(depth);
    case "google.protobuf.Struct":
      return fc.record({ fields: fc.dictionary(text(), value(depth - 1), { maxKeys: 3 }) });
    case "google.protobuf.ListValue":
      return fc.record({ values: fc.array(value(depth - 1), { maxLength: 3 }) });
    case "google.protobuf.Any":
      return any(options, depth);
    default:
      return fields(desc, options, depth);
  }
}

function value(depth: number): Values {
  const kind = (name: string, of: Values): Values =>
    of.map((inner) => ({ kind: { case: name, value: inner } }));
  const flat = [
    kind("nullValue", fc.constant(0)),
    kind("numberValue", ordinary()),
    kind("numberValue", fc.maxSafeInteger()),
    kind("stringValue", text()),
    kind("boolValue", fc.boolean()),
  ];
  if (depth <= 0) return fc.oneof(...flat);
  const inner = value(depth - 1);
  const list = kind("listValue", fc.record({ values: fc.array(inner, { maxLength: 3 }) }));
  const struct = kind("structValue", fc.record({ fields: fc.dictionary(text(), inner, { maxKeys: 3 }) }));
  return fc.oneof(...flat, list, struct);
}

function any(options: ArbitraryOptions, depth: number): Values {
  const { anys = [] } = options;
  if (anys.length === 0 || depth <= 0) return fc.constant({});
  return fc.oneof(
    ...anys.map((desc) =>
      arbitraryMessage(desc, options, depth - 1).map((message) =>
        create(AnySchema, { typeUrl: `example.com/${desc.typeName}`, value: toBinary(desc, message) }),
      ),
    ),
  );
}

function fields(desc: DescMessage, options: ArbitraryOptions, depth: number): Values {
  const wanted = (one: DescField): boolean =>
    (depth > 0 || one.message === undefined) && !(options.textual === true && holdsBytes(one));
  const optional: (readonly [string, Values])[] = [];
  const required: (readonly [string, Values])[] = [];
  for (const member of desc.members) {
    if (member.kind === "field") {
      const always = member.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
      const some = always ? required : optional;
      if (wanted(member)) some.push([member.localName, field(member, options, depth)]);
    } else {
      const cases = member.fields
        .filter(wanted)
        .map((one) => field(one, options, depth).map((value) => ({ case: one.localName, value })));
      optional.push([member.localName, fc.oneof(...cases)]);
    }
  }
  // A few fields each time: a message that has them all teaches nothing new the second time.
  return fc
    .subarray(optional, { maxLength: Math.min(optional.length, 12) })
    .chain((some) => fc.record(Object.fromEntries([...required, ...some])) as fc.Arbitrary<unknown>);
}

function holdsBytes(desc: DescField): boolean {
  const wrapped = desc.message !== undefined && isWrapperDesc(desc.message) ? desc.message.fields[0] : desc;
  return wrapped?.scalar === ScalarType.BYTES;
}

function field(desc: DescField, options: ArbitraryOptions, depth: number): Values {
  const single = one(desc, options, depth);
  if (desc.fieldKind === "list") return fc.array(single, { maxLength: 4 });
  if (desc.fieldKind !== "map") return single;
  const keys = desc.mapKey === ScalarType.STRING ? text() : scalar(desc.mapKey, false, options).map(String);
  return fc.dictionary(keys, single, { maxKeys: 4 });
}

function one(desc: DescField, options: ArbitraryOptions, depth: number): Values {
  if (desc.enum !== undefined) {
    const known = fc.constantFrom(...desc.enum.values.map(({ number }) => number));
    const unnamed = desc.enum.open && desc.enum.typeName !== "google.protobuf.NullValue";
    return unnamed ? fc.oneof(known, fc.integer()) : known;
  }
  if (desc.message === undefined) {
    return scalar(desc.scalar, "longAsString" in desc && desc.longAsString, options);
  }
  const type = desc.message;
  // protobuf-es has the first as plain objects, and the second as bare values where it can.
  if (type.typeName === "google.protobuf.Struct") return jsonObject(depth - 1);
  const [wrapped] = type.fields;
  if (isWrapperDesc(type) && desc.fieldKind === "message" && !desc.oneof && wrapped?.scalar !== undefined) {
    return scalar(wrapped.scalar, false, options);
  }
  return init(type, options, depth - 1);
}

function jsonObject(depth: number): Values {
  const json = fc.jsonValue({ maxDepth: Math.max(depth, 0) }).map(withoutMinusZero);
  return fc.dictionary(text(), json, { maxKeys: 3 });
}

/** JSON has no -0 as protobuf-es writes it. */
function withoutMinusZero(json: unknown): unknown {
  return typeof json === "number" ? json + 0 : (JSON.parse(JSON.stringify(json)) as unknown);
}

/** A double that JSON has as well: the sum makes 0 of -0. */
function ordinary(): fc.Arbitrary<number> {
  return fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0);
}

function text(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.string({ unit: "grapheme-ascii", maxLength: 60 }),
    fc.constantFrom("__proto__", "constructor", "@type", "\uFEFF", "x".repeat(300)),
  );
}

function scalar(type: ScalarType, longAsString: boolean, options: ArbitraryOptions): Values {
  const long = (min: bigint, max: bigint): Values => {
    const small = fc.integer({ min: min === 0n ? 0 : -300, max: 300 }).map(BigInt);
    return fc.oneof(fc.bigInt(min, max), small).map((value) => (longAsString ? String(value) : value));
  };
  switch (type) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      return text();
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 300 });
    case ScalarType.FLOAT:
      return options.finite === true
        ? fc.float({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0)
        : fc.float();
    case ScalarType.DOUBLE:
      return options.finite === true ? ordinary() : fc.double();
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return long(-(2n ** 63n), 2n ** 63n - 1n);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return long(0n, 2n ** 64n - 1n);
    default:
      return fc.oneof(fc.integer(), fc.integer({ min: -300, max: 300 }));
  }
}
