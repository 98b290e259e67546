import { create, ScalarType } from "@bufbuild/protobuf";
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence as Presence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";

type Properties = Record<string, unknown>;

/** Text with everything that URLs, JSON and lines treat in a way of their own. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.constantFrom("", "a/b", "%2F", "%", "+ &=?#;", ":x", "..", ".", "é📚", "\n\r\t", '"\\', "\u2028", "__proto__", "null"),
);

/** Any message of a type, at most `depth` levels deep. `replace` may give a type or a field values of its own. */
export function randomMessage(
  desc: DescMessage,
  depth: number = 3,
  replace: (desc: DescMessage) => fc.Arbitrary<Message> | undefined = () => undefined,
): fc.Arbitrary<Message> {
  const own = replace(desc) ?? wellKnown(desc);
  if (own !== undefined) return own;
  const choices: fc.Arbitrary<(to: Properties) => void>[] = [];
  for (const member of desc.members) {
    if (member.kind === "oneof") {
      const cases = member.fields.flatMap((field) => {
        const value = singular(field, depth, replace, false);
        return value === undefined ? [] : [value.map((v) => ({ case: field.localName, value: v }))];
      });
      choices.push(
        fc.option(fc.oneof(...cases)).map((chosen) => (to) => {
          if (chosen !== null) to[member.localName] = chosen;
        }),
      );
      continue;
    }
    const value = valueOf(member, depth, replace);
    if (value === undefined) continue;
    choices.push(
      fc.option(value).map((v) => (to) => {
        if (v !== null) to[member.localName] = v;
      }),
    );
  }
  return fc.tuple(...choices).map((assign) => {
    const made = create(desc);
    for (const each of assign) each(made);
    return made;
  });
}

function valueOf(
  field: DescField,
  depth: number,
  replace: (desc: DescMessage) => fc.Arbitrary<Message> | undefined,
): fc.Arbitrary<unknown> | undefined {
  if (field.fieldKind === "list") {
    const item = singular(field, depth, replace, false);
    return item === undefined ? undefined : fc.array(item, { maxLength: 3 });
  }
  if (field.fieldKind === "map") {
    // The maps of the contracts are from string to string.
    return fc.dictionary(text.filter((key) => key !== "__proto__"), text, { maxKeys: 3, noNullPrototype: true });
  }
  return singular(field, depth, replace, true);
}

function singular(
  field: DescField,
  depth: number,
  replace: (desc: DescMessage) => fc.Arbitrary<Message> | undefined,
  unwrap: boolean,
): fc.Arbitrary<unknown> | undefined {
  if (field.message !== undefined) {
    if (depth === 0) return undefined;
    const inner = randomMessage(field.message, depth - 1, replace);
    // A wrapper in a field of its own is its value.
    return unwrap && isWrapperDesc(field.message) ? inner.map((m) => (m as unknown as Properties)["value"]) : inner;
  }
  if (field.enum !== undefined) {
    const known = field.enum.values.map(({ number }) => number);
    return field.presence === Presence.IMPLICIT || field.fieldKind === "list"
      ? fc.oneof(fc.constantFrom(...known), fc.constant(77))
      : fc.constantFrom(...known);
  }
  return field.scalar === undefined ? undefined : scalar(field.scalar);
}

function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 5 });
    case ScalarType.DOUBLE:
      // JSON has no negative zero.
      return fc.double().map((v) => v + 0);
    case ScalarType.FLOAT:
      return fc.float().map((v) => v + 0);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.nat(0xffff_ffff);
    default:
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  }
}

function wellKnown(desc: DescMessage): fc.Arbitrary<Message> | undefined {
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
      return fc
        .record({ seconds: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }), nanos: fc.nat(999_999_999) })
        .map((init) => create(desc, init));
    case "google.protobuf.Duration":
      return fc
        .record({ seconds: fc.bigInt({ min: 0n, max: 315_576_000_000n }), nanos: fc.nat(999_999_999), negative: fc.boolean() })
        .map(({ seconds, nanos, negative }) =>
          create(desc, negative ? { seconds: -seconds, nanos: 0 - nanos } : { seconds, nanos: seconds === 315_576_000_000n ? 0 : nanos }),
        );
    case "google.protobuf.FieldMask":
      return fc
        .array(fc.constantFrom("title", "author", "author.given_name", "next_page_token"), { maxLength: 3 })
        .map((paths) => create(desc, { paths }));
    default:
      return undefined;
  }
}
