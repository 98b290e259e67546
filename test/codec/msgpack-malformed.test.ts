import { create } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import { ListValueSchema, StructSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { HelloSchema, TreeSchema } from "../../gen/bench/v1/bench_pb.ts";
import { all, codec, kinds, type KindsInit } from "./kinds.ts";
import { hex, oracleEncode } from "./oracle.ts";

/** Bytes of a message with fields of all kinds whose one field is given as hex. */
function field(name: string, value: string): Uint8Array {
  return Uint8Array.from([0x81, ...oracleEncode(name), ...hex(value)]);
}

/** What is wrong with a field's value, by the bytes of it. */
const wrong: readonly (readonly [string, string, string])[] = [
  ["int32Value", "ce80000000", "int32Value: 2147483648 is out of range of an int32 (at byte 12)"],
  ["int32Value", "d3ffffffff7fffffff", "int32Value: -2147483649 is out of range of an int32"],
  ["int32Value", "cfffffffffffffffff", "is out of range of an int32"],
  ["int32Value", "cb3ff8000000000000", "expected an int32, got 1.5"],
  ["int32Value", "cb7ff8000000000000", "expected an int32, got NaN"],
  ["int32Value", "a3312e35", "expected an int32, got a string"],
  ["int32Value", "a0", "expected an int32, got a string"],
  ["int32Value", "c3", "expected an int32, got a bool"],
  ["uint32Value", "ff", "-1 is out of range of a uint32"],
  ["uint32Value", "cf0000000100000000", "4294967296 is out of range of a uint32"],
  ["int64Value", "cf8000000000000000", "9223372036854775808 is out of range of an int64"],
  ["int64Value", "cb43e0000000000000", "9223372036854775808 is out of range of an int64"],
  ["int64Value", "80", "expected an int64, got a map"],
  ["uint64Value", "ff", "-1 is out of range of a uint64"],
  ["uint64Value", "a22d31", "-1 is out of range of a uint64"],
  ["uint64Value", `b4${"39".repeat(20)}`, "99999999999999999999 is out of range of a uint64"],
  ["floatValue", "cb47f0000000000000", "is out of range of a float"],
  ["floatValue", "a3302e35", "expected a float, got a string"],
  ["doubleValue", "a34e614e", "expected a double, got a string"],
  ["boolValue", "01", "expected a bool, got an integer"],
  ["stringValue", "c40161", "expected a string, got bytes"],
  ["stringValue", "05", "expected a string, got an integer"],
  ["stringValue", "a1ff", "stringValue: a string is not UTF-8 (at byte 14)"],
  ["stringValue", "a1c3", "a string is not UTF-8"],
  ["stringValue", "a3eda080", "a string is not UTF-8"],
  ["stringValue", `d920${"61".repeat(31)}ff`, "a string is not UTF-8"],
  ["bytesValue", "a161", "expected bytes, got a string"],
  ["enumValue", "ce80000000", "2147483648 is not a value of bench.v1.Color"],
  ["nullValue", "01", "1 is not a value of google.protobuf.NullValue"],
  ["enumValue", "c3", "expected a value of bench.v1.Color, got a bool"],
  ["nested", "90", "nested: expected a map for bench.v1.AllKinds.Nested, got an array"],
  ["nested", "8101c0", "nested: expected the name of a field, got an integer"],
  ["nested", "81a56368696c64 81a66e756d626572 c3", "nested.child.number: expected an int64, got a bool"],
  ["repeatedString", "80", "repeatedString: expected an array, got a map"],
  ["repeatedString", "92a0c0", "repeatedString[1]: expected a string, got nil"],
  ["repeatedNested", "91c0", "repeatedNested[0]: expected a map for bench.v1.AllKinds.Nested, got nil"],
  ["repeatedEnum", "91c0", "repeatedEnum[0]: expected a value of bench.v1.Color, got nil"],
  ["repeatedWrapper", "91c0", "repeatedWrapper[0]: expected an int64, got nil"],
  ["stringMap", "90", "stringMap: expected a map, got an array"],
  ["stringMap", "81a178c0", 'stringMap["x"]: expected a map for bench.v1.AllKinds.Nested, got nil'],
  ["stringMap", "810180", "stringMap: expected a string, got an integer"],
  ["stringMap", "82a17880a17880", 'stringMap: the key "x" is set twice'],
  ["int32Map", "82 0101 a13101", 'int32Map: the key "1" is set twice'],
  ["int32Map", "81 a17801", "int32Map: expected an int32, got a string"],
  ["int32Map", "81 ce8000000001", "int32Map: 2147483648 is out of range of an int32"],
  ["int32Map", "81 01c0", 'int32Map["1"]: expected an int32, got nil'],
  ["boolMap", "81 a3796573 a0", "boolMap: expected a bool as the key, got a string"],
  ["timestamp", "d6fe00000000", "expected a timestamp, got an extension of type -2"],
  ["timestamp", "05", "expected a timestamp, got an integer"],
  ["timestamp", "d7ff ee6b2800 00000000", "nanos must be from 0 to 999999999, got 1000000000"],
  ["timestamp", "c70cff 00000000 fffffff1886e08ff", "must be from 0001-01-01T00:00:00Z"],
  ["timestamp", "c70cff 00000000 7fffffffffffffff", "must be from 0001-01-01T00:00:00Z"],
  ["timestamp", "d5ff0000", "a timestamp has 4, 8 or 12 bytes, got 2"],
  ["timestamp", "a3313937", "expected a timestamp, got a string that is not RFC 3339"],
  ["duration", "a131", 'expected a duration such as "1.5s"'],
  ["duration", "01", "expected a duration, got an integer"],
  ["duration", "ad33313535373630303030303173", "at most 315576000000 seconds"],
  ["fieldMask", "a3615f62", "must be in lowerCamelCase"],
  ["fieldMask", "90", "expected a field mask, got an array"],
  ["struct", "c40100", "struct: expected a map, got bytes"],
  ["struct", "81a178c40100", "struct: expected a JSON value, got bytes"],
  ["struct", "81a178d6ff00000000", "struct: expected a JSON value, got an extension"],
  ["struct", "810101", "struct: expected a string as the key, got an integer"],
  ["struct", "82a17801a17802", 'struct: "x" is set twice'],
  ["value", "c1", "value: expected a JSON value, got 0xc1, which MessagePack does not use"],
  ["any", "8101c0", "any: expected a string as the key, got an integer"],
  ["unknown", "c1", "expected a value, got 0xc1"],
];

describe("MessagePack that is wrong", () => {
  for (const [name, value, message] of wrong) {
    it(`is refused: ${name} as ${value}: ${message}`, () => {
      expect(() => all.decode(field(name, value))).toThrow(message);
    });
  }

  it("is refused when a field is set twice, by whichever of its names", () => {
    const twice = (...keys: string[]): Uint8Array =>
      Uint8Array.from([0x80 | keys.length, ...keys.flatMap((key) => [...oracleEncode(key), 0xc0])]);
    expect(() => all.decode(twice("int32Value", "int32Value"))).toThrow("int32Value: the field is set twice");
    expect(() => all.decode(twice("int32_value", "boolValue", "int32Value"))).toThrow("set twice");
    const late = twice("duration", "int32Value", "duration");
    expect(() => all.decode(late)).toThrow("duration: the field is set twice");
  });

  it("is refused when two fields of a oneof are set", () => {
    expect(() => all.decode(oracleEncode({ choiceString: "a", choiceInt64: 1 }))).toThrow(
      "choiceInt64: only one field of choice may be set, but choiceString is as well",
    );
    expect(all.decode(oracleEncode({ choiceString: null, choiceInt64: 1 })).choice.case).toBe("choiceInt64");
  });

  it("is refused when something follows the message", () => {
    expect(() => all.decode(hex("8000c0"))).toThrow("2 bytes follow the message (at byte 1)");
    expect(() => all.decode(hex("80c0"))).toThrow("1 bytes follow the message (at byte 1)");
  });

  it("is refused when it is cut off, wherever that is", () => {
    const message = kinds({
      doubleValue: 1,
      floatValue: 1,
      uint64Value: 2n ** 60n,
      stringValue: "x".repeat(300),
      bytesValue: new Uint8Array(300),
      repeatedInt32: [1, 300, 70_000],
      boolMap: { true: "y" },
      timestamp: { seconds: -1n },
      duration: {},
      struct: { a: [1, { b: null }] },
      nested: { name: "n" },
    });
    const bytes = all.encode(message);
    for (let length = 0; length < bytes.length; length++) {
      // With and without more memory after the message.
      for (const cut of [bytes.slice(0, length), bytes.subarray(0, length)]) {
        expect(() => all.decode(cut), `cut to ${length}`).toThrow("the message ends too early");
      }
    }
  });

  it("is refused when a length is more than the bytes can hold, without making room for it", () => {
    const lengths: readonly (readonly [string, string])[] = [
      ["repeatedInt32", "ddffffffff"],
      ["repeatedInt32", "dcffff"],
      ["stringMap", "dfffffffff"],
      ["nested", "deffff"],
      ["stringValue", "dbffffffff"],
      ["bytesValue", "c6ffffffff"],
      ["timestamp", "c9ffffffffff"],
      ["struct", "dfffffffff"],
      ["listValue", "ddffffffff"],
      ["unknown", "ddffffffff"],
      ["unknown", "dfffffffff"],
      ["unknown", "c9ffffffff00"],
    ];
    for (const [name, value] of lengths) {
      expect(() => all.decode(field(name, value)), name).toThrow(/ends too early: \d+ \w+ are declared/);
    }
  });

  it("is refused when it is nested more than 100 levels deep, however that is done", () => {
    const tree = codec.compile(TreeSchema);
    const trees = (depth: number): Uint8Array =>
      hex(`${`81 a8 ${Buffer.from("children").toString("hex")} 91`.repeat(depth - 1)} 80`);
    expect(tree.decode(trees(100)).children).toHaveLength(1);
    expect(() => tree.decode(trees(101))).toThrow("nested more than 100 levels deep");
    const deep = (desc: DescMessage, bytes: string) => (): unknown => codec.compile(desc).decode(hex(bytes));
    expect(deep(ListValueSchema, `${"91".repeat(99)}90`)).not.toThrow();
    for (const run of [
      deep(ListValueSchema, `${"91".repeat(100)}90`),
      deep(StructSchema, `${"81a161".repeat(100)}80`),
      deep(ValueSchema, "91".repeat(100_000)),
      deep(HelloSchema, `81a178${"91".repeat(100_000)}`),
      deep(HelloSchema, `81a178${"8101".repeat(100_000)}`),
    ]) {
      expect(run).toThrow("nested more than 100 levels deep");
    }
  });
});

describe("A message that MessagePack cannot carry", () => {
  const refused: readonly (readonly [KindsInit, string])[] = [
    [{ int32Value: 2 ** 31 }, "int32Value: expected an int32, got 2147483648"],
    [{ int32Value: 0.5 }, "int32Value: expected an int32, got 0.5"],
    [{ int32Value: "5" as unknown as number }, 'int32Value: expected an int32, got "5"'],
    [{ uint32Value: -1 }, "uint32Value: expected a uint32, got -1"],
    [{ int64Value: 2n ** 63n }, "int64Value: 9223372036854775808 is out of range of an int64"],
    [{ uint64Value: -1n }, "uint64Value: -1 is out of range of a uint64"],
    [{ uint64Value: 2n ** 64n + 5n }, "uint64Value: 18446744073709551621 is out of range of a uint64"],
    [{ longAsString: "x" }, 'longAsString: expected an int64, got "x"'],
    [{ floatValue: 1e300 }, "floatValue: 1e+300 is out of range of a float"],
    [{ doubleValue: "1" as unknown as number }, 'doubleValue: expected a double, got "1"'],
    [{ boolValue: 1 as unknown as boolean }, "boolValue: expected a bool, got 1"],
    [{ stringValue: 5 as unknown as string }, "stringValue: expected a string, got 5"],
    [{ bytesValue: "x" as unknown as Uint8Array }, 'bytesValue: expected a Uint8Array, got "x"'],
    [{ enumValue: 0.5 as unknown as 0 }, "enumValue: expected a value of bench.v1.Color, got 0.5"],
    [{ repeatedInt32: [1, Number.NaN] }, "repeatedInt32[1]: expected an int32, got NaN"],
    [{ int32Map: { x: 1 } as Record<string, number> }, 'int32Map["x"]: expected an int32, got NaN'],
    [{ boolMap: { yes: "" } }, 'boolMap["yes"]: expected a bool, got "yes"'],
    [{ struct: { a: undefined as unknown as null } }, "struct: expected a JSON value, got undefined"],
    [{ value: {} }, "value: a google.protobuf.Value has no value"],
    [{ timestamp: { nanos: -1 } }, "timestamp: a timestamp's nanos must be from 0 to 999999999, got -1"],
    [{ timestamp: { seconds: 253_402_300_800n } }, "timestamp: a timestamp must be from 0001-01-01"],
    [{ duration: { seconds: 1n, nanos: -1 } }, "duration: a duration's seconds and nanos must have"],
    [{ duration: { nanos: 1e9 } }, "duration: a duration's nanos must be from -999999999 to 999999999"],
    [{ duration: { seconds: 315_576_000_001n } }, "duration: a duration has at most 315576000000 seconds"],
    [{ fieldMask: { paths: ["aB"] } }, 'fieldMask: the path "aB" of a field mask would not be the same'],
  ];
  for (const [init, message] of refused) {
    it(`is refused: ${message}`, () => {
      expect(() => all.encode(kinds(init))).toThrow(message);
      // And leaves nothing behind.
      expect(all.encode(kinds({ int32Value: 1 }))).toStrictEqual(oracleEncode({ int32Value: 1 }));
    });
  }

  it("is refused when it is one of another type", () => {
    const hello = create(HelloSchema) as unknown as Parameters<typeof all.encode>[0];
    expect(() => all.encode(hello)).toThrow("expected a message bench.v1.AllKinds, got bench.v1.Hello");
    const message = kinds({ nested: {} });
    Object.assign(message, { nested: create(HelloSchema), repeatedNested: [] });
    expect(() => all.encode(message)).toThrow(
      "nested: expected a message bench.v1.AllKinds.Nested, got bench.v1.Hello",
    );
    Object.assign(message, { nested: undefined, repeatedNested: [undefined] });
    expect(() => all.encode(message)).toThrow(
      "repeatedNested[0]: expected a message bench.v1.AllKinds.Nested, got undefined",
    );
  });

  it("is no reason to hang when it holds itself", () => {
    const tree = create(TreeSchema);
    tree.children.push(tree);
    expect(() => codec.compile(TreeSchema).encode(tree)).toThrow(
      /^children\[0\].children.{0,400}…: Maximum call stack size exceeded$/,
    );
    expect(codec.compile(TreeSchema).encode(create(TreeSchema))).toStrictEqual(hex("80"));
  });
});

