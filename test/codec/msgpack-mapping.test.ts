import { create } from "@bufbuild/protobuf";
import {
  BoolValueSchema,
  ListValueSchema,
  NullValue,
  TimestampSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { benchMessages } from "../../bench/codec-messages.ts";
import {
  AllKinds_NestedSchema,
  BlobSchema,
  Color,
  HelloSchema,
  TreeSchema,
} from "../../gen/bench/v1/bench_pb.ts";
import { jsonCodec } from "../../src/codec/json.ts";
import { all, codec, kinds, type KindsInit } from "./kinds.ts";
import { hex, oracleDecode, oracleEncode, toHex } from "./oracle.ts";

const nothing = { kind: { case: "nullValue", value: NullValue.NULL_VALUE } } as const;

/** What a message is on the wire: what another library reads there, and writes. */
const mapping: Readonly<Record<string, readonly [KindsInit, object]>> = {
  "an empty message is an empty map": [{}, {}],
  "integers are integers": [
    { int32Value: -42, uint32Value: 4e9, sint32Value: 1, fixed32Value: 128, sfixed32Value: -129 },
    { int32Value: -42, uint32Value: 4e9, sint32Value: 1, fixed32Value: 128, sfixed32Value: -129 },
  ],
  "64-bit integers are integers": [
    { int64Value: -5n, uint64Value: 2n ** 64n - 1n, sint64Value: -(2n ** 63n), fixed64Value: 2n ** 32n },
    { int64Value: -5, uint64Value: 2n ** 64n - 1n, sint64Value: -(2n ** 63n), fixed64Value: 2 ** 32 },
  ],
  "a 64-bit integer that is a string in JavaScript is an integer": [
    { longAsString: "-7" },
    { longAsString: -7 },
  ],
  "floats are floats": [
    { doubleValue: 0.1, floatValue: 0.5, repeatedDouble: [1.5, Number.NaN], repeatedFloat: [-Infinity] },
    { doubleValue: 0.1, floatValue: 0.5, repeatedDouble: [1.5, Number.NaN], repeatedFloat: [-Infinity] },
  ],
  "strings, bytes and bools are what they are": [
    { stringValue: "☃", bytesValue: Uint8Array.of(1, 2), boolValue: true },
    { stringValue: "☃", bytesValue: Uint8Array.of(1, 2), boolValue: true },
  ],
  "a JSON name of the contract's own is used": [{ renamed: "x" }, { "another Name": "x" }],
  "an enum's value is its name": [
    { enumValue: Color.RED, repeatedEnum: [Color.UNSPECIFIED, Color.BLUE] },
    { enumValue: "COLOR_RED", repeatedEnum: ["COLOR_UNSPECIFIED", "COLOR_BLUE"] },
  ],
  "an enum's value without a name is a number": [
    { repeatedEnum: [99, -99] as unknown as Color[] },
    { repeatedEnum: [99, -99] },
  ],
  "optional fields are there when set": [
    {
      optionalDouble: 0,
      optionalInt32: 0,
      optionalInt64: 0n,
      optionalBool: false,
      optionalString: "",
      optionalBytes: new Uint8Array(),
      optionalEnum: Color.UNSPECIFIED,
    },
    {
      optionalDouble: 0,
      optionalInt32: 0,
      optionalInt64: 0,
      optionalBool: false,
      optionalString: "",
      optionalBytes: new Uint8Array(),
      optionalEnum: "COLOR_UNSPECIFIED",
    },
  ],
  "a oneof's field is there when set": [
    { choice: { case: "choiceInt64", value: 0n } },
    { choiceInt64: 0 },
  ],
  "a NullValue is nil": [
    { choice: { case: "choiceNull", value: NullValue.NULL_VALUE } },
    { choiceNull: null },
  ],
  "messages are maps in maps": [
    { nested: { child: {} }, repeatedNested: [{}, { name: "x" }], stringMap: { a: {} } },
    { nested: { child: {} }, repeatedNested: [{}, { name: "x" }], stringMap: { a: {} } },
  ],
  "wrappers are bare values": [
    {
      int64Wrapper: 0n,
      stringWrapper: "",
      boolWrapper: false,
      bytesWrapper: Uint8Array.of(9),
      repeatedWrapper: [{ value: 2n ** 60n }, {}],
      choice: { case: "choiceWrapper", value: { value: "w" } },
    },
    {
      int64Wrapper: 0,
      stringWrapper: "",
      boolWrapper: false,
      bytesWrapper: Uint8Array.of(9),
      repeatedWrapper: [2n ** 60n, 0],
      choiceWrapper: "w",
    },
  ],
  "durations and field masks are strings": [
    {
      duration: { seconds: -1n, nanos: -500_000_000 },
      fieldMask: { paths: ["a_b.c", "d"] },
      durationMap: { x: { nanos: 1000 }, y: { nanos: -1 }, z: {} },
    },
    {
      duration: "-1.500s",
      fieldMask: "aB.c,d",
      durationMap: { x: "0.000001s", y: "-0.000000001s", z: "0s" },
    },
  ],
  "Struct, Value and ListValue are what they hold": [
    {
      struct: { a: [1, -1.5, "x", null, true, { b: {} }] },
      value: nothing,
      listValue: { values: [{ kind: { case: "numberValue", value: 2 } }] },
      repeatedStruct: [{}, { a: 1 }],
      repeatedValue: [nothing, { kind: { case: "boolValue", value: false } }],
      structMap: { x: { y: "z" } },
      valueMap: { n: nothing },
      choice: { case: "choiceStruct", value: { q: 1 } },
    },
    {
      struct: { a: [1, -1.5, "x", null, true, { b: {} }] },
      value: null,
      listValue: [2],
      repeatedStruct: [{}, { a: 1 }],
      repeatedValue: [null, false],
      structMap: { x: { y: "z" } },
      valueMap: { n: null },
      choiceStruct: { q: 1 },
    },
  ],
  "Empty is an empty map": [{ empty: {} }, { empty: {} }],
};

describe("MessagePack, by the mapping", () => {
  for (const [name, [init, plain]] of Object.entries(mapping)) {
    it(name, () => {
      const message = kinds(init);
      expect(oracleDecode(all.encode(message))).toStrictEqual(plain);
      expect(all.decode(oracleEncode(plain))).toStrictEqual(message);
      expect(all.decode(all.encode(message))).toStrictEqual(message);
    });
  }

  it("has floats as wide as the contract says, and does not leave out -0", () => {
    const minus = kinds({ struct: { a: [-0, 0] } });
    expect(all.decode(all.encode(minus))).toStrictEqual(minus);
    const message = kinds({ floatValue: -0, doubleValue: -0, repeatedFloat: [1] });
    expect(toHex(all.encode(message))).toBe(
      toHex(
        hex(`83 ab ${ascii("doubleValue")} cb 8000000000000000 aa ${ascii("floatValue")} ca 80000000
          ad ${ascii("repeatedFloat")} 91 ca 3f800000`),
      ),
    );
    expect(all.decode(all.encode(message))).toStrictEqual(message);
  });

  it("has the keys of maps as what they are", () => {
    const entries = (init: KindsInit, key: string): string =>
      toHex(all.encode(kinds(init)).subarray(1 + 1 + key.length));
    expect(entries({ int32Map: { "-1": 5 } }, "int32Map")).toBe("81ff05");
    expect(entries({ int64Map: { "-9007199254740993": "" } }, "int64Map")).toBe("81d3ffdfffffffffffffa0");
    expect(entries({ fixed64Map: { "18446744073709551615": 0 } }, "fixed64Map")).toBe(
      "81cfffffffffffffffffca00000000",
    );
    expect(entries({ boolMap: { true: "y", false: "n" } }, "boolMap")).toBe("82c3a179c2a16e");
    expect(entries({ stringMap: { "1": {} } }, "stringMap")).toBe("81a13180");
  });

  it("writes fields in the order of their numbers and each value in its shortest form", () => {
    const message = kinds({ boolValue: true, int32Value: 127, sint64Value: 65_536n, stringValue: "s" });
    expect(Buffer.from(all.encode(message)).toString("latin1")).toBe(
      "\x84\xaaint32Value\x7f\xabsint64Value\xce\x00\x01\x00\x00\xa9boolValue\xc3\xabstringValue\xa1s",
    );
  });

  it("writes strings and bytes of any length, as another library does", () => {
    for (const length of [1, 31, 32, 33, 40, 41, 255, 256, 65_535, 65_536]) {
      for (const stringValue of ["x".repeat(length), `${"x".repeat(length - 1)}é`, "☃".repeat(length)]) {
        expect(all.encode(kinds({ stringValue })), `${length}`).toStrictEqual(oracleEncode({ stringValue }));
        expect(all.decode(oracleEncode({ stringValue })).stringValue).toBe(stringValue);
      }
      const bytesValue = new Uint8Array(length).fill(length);
      expect(all.encode(kinds({ bytesValue })), `${length}`).toStrictEqual(oracleEncode({ bytesValue }));
      expect(all.decode(oracleEncode({ bytesValue })).bytesValue).toStrictEqual(bytesValue);
    }
  });

  it("writes integers of any size, as another library does", () => {
    for (let bits = 0n; bits <= 64n; bits++) {
      for (const int of [2n ** bits - 1n, 2n ** bits, -(2n ** bits), -(2n ** bits) - 1n]) {
        if (int >= 2n ** 63n || int < -(2n ** 63n)) {
          expect(() => all.encode(kinds({ optionalInt64: int }))).toThrow("out of range of an int64");
          continue;
        }
        // The other library writes numbers as short as they fit into 32 bits, and bigints long.
        const plain = int >= -(2n ** 31n) && int < 2n ** 32n ? Number(int) : int;
        const bytes = oracleEncode({ optionalInt64: plain });
        expect(toHex(all.encode(kinds({ optionalInt64: int })))).toBe(toHex(bytes));
        expect(all.decode(bytes).optionalInt64).toBe(int);
      }
    }
  });

  it("writes maps and lists of any length", () => {
    for (const length of [15, 16, 65_535, 65_536]) {
      const numbers = Array.from({ length }, (_, at) => at);
      const list = kinds({ repeatedInt32: numbers });
      expect(oracleDecode(all.encode(list))).toStrictEqual({ repeatedInt32: numbers });
      const map = kinds({ int32Map: Object.fromEntries(numbers.map((at) => [at, at])) });
      expect(Object.keys(all.decode(all.encode(map)).int32Map)).toHaveLength(length);
    }
  });

  it("writes messages of more than fifteen fields, in messages of more than fifteen fields", () => {
    const strings = Array.from({ length: 16 }, (_, at) => `${at}`.repeat(30));
    const wide: KindsInit = {
      doubleValue: 1,
      floatValue: 1,
      int32Value: 1,
      int64Value: 1n,
      uint32Value: 1,
      uint64Value: 1n,
      sint32Value: 1,
      sint64Value: 1n,
      fixed32Value: 1,
      fixed64Value: 1n,
      sfixed32Value: 1,
      sfixed64Value: 1n,
      boolValue: true,
      stringValue: "s",
      enumValue: Color.RED,
      repeatedString: strings,
    };
    const message = kinds({ ...wide, nested: { allKinds: { ...wide, nested: { allKinds: wide } } } });
    expect(Object.keys(oracleDecode(all.encode(message)) as object)).toHaveLength(17);
    expect(all.decode(all.encode(message))).toStrictEqual(message);
  });

  it("is smaller than JSON for every bench message", () => {
    const json = jsonCodec();
    for (const { desc, message } of benchMessages) {
      const size = codec.compile(desc).encode(message).length;
      expect(size, desc.typeName).toBeLessThan(json.compile(desc).encode(message).length);
    }
  });
});

function ascii(text: string): string {
  return Buffer.from(text).toString("hex");
}

describe("MessagePack timestamps", () => {
  const timestamp = codec.compile(TimestampSchema);
  const forms: readonly (readonly [bigint, number, string])[] = [
    [0n, 0, "d6ff 00000000"],
    [2n ** 32n - 1n, 0, "d6ff ffffffff"],
    [1n, 1, "d7ff 00000004 00000001"],
    [2n ** 34n - 1n, 999_999_999, "d7ff ee6b27ff ffffffff"],
    [2n ** 32n, 0, "d7ff 00000001 00000000"],
    [2n ** 34n, 5, "c70cff 00000005 0000000400000000"],
    [-1n, 999_999_999, "c70cff 3b9ac9ff ffffffffffffffff"],
    [-62_135_596_800n, 0, "c70cff 00000000 fffffff1886e0900"],
  ];
  for (const [seconds, nanos, bytes] of forms) {
    it(`has ${seconds} s and ${nanos} ns as ${bytes}`, () => {
      const message = create(TimestampSchema, { seconds, nanos });
      expect(timestamp.encode(message)).toStrictEqual(hex(bytes));
      expect(timestamp.decode(hex(bytes))).toStrictEqual(message);
    });
  }
});

describe("MessagePack of one message at the top", () => {
  it("is the form of its type", () => {
    const bool = create(BoolValueSchema, { value: true });
    expect(toHex(codec.compile(BoolValueSchema).encode(bool))).toBe("c3");
    expect(toHex(codec.compile(ListValueSchema).encode(create(ListValueSchema)))).toBe("90");
    const fields = { a: { kind: { case: "numberValue", value: 1 } } } as const;
    const value = create(ValueSchema, { kind: { case: "structValue", value: { fields } } });
    expect(toHex(codec.compile(ValueSchema).encode(value))).toBe("81a16101");
    expect(codec.compile(ValueSchema).decode(hex("81a16101"))).toStrictEqual(value);
  });

  it("compiles types that hold themselves and each other", () => {
    const tree = codec.compile(TreeSchema);
    const message = create(TreeSchema, { name: "a", children: [{ id: 5n, children: [{ name: "b" }] }] });
    expect(tree.decode(tree.encode(message))).toStrictEqual(message);
    const nested = codec.compile(AllKinds_NestedSchema);
    const other = create(AllKinds_NestedSchema, { allKinds: { nested: { name: "x" } } });
    expect(nested.decode(nested.encode(other))).toStrictEqual(other);
  });

  it("makes messages that share nothing that can be changed", () => {
    const one = all.decode(hex("80"));
    Object.assign(one.choice, { case: "choiceString", value: "changed" });
    one.repeatedString.push("changed");
    one.stringMap["changed"] = create(AllKinds_NestedSchema);
    expect(all.decode(hex("80"))).toStrictEqual(kinds({}));
  });

  it("can write a message while it writes another", () => {
    const hello = codec.compile(HelloSchema);
    const outer = create(HelloSchema);
    const inner = create(HelloSchema, { message: "in" });
    Object.defineProperty(outer, "message", { get: () => toHex(hello.encode(inner)) });
    expect(hello.decode(hello.encode(outer)).message).toBe("81a76d657373616765a2696e");
  });

  it("gives bytes fields that are plain, even of a Buffer", () => {
    const blob = codec.compile(BlobSchema);
    const bytes = blob.encode(create(BlobSchema, { data: Uint8Array.of(1, 2, 3) }));
    expect(blob.decode(Buffer.from(bytes)).data).toStrictEqual(Uint8Array.of(1, 2, 3));
  });
});
