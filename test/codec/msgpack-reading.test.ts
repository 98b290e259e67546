import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { AllKindsSchema, Color, HelloSchema } from "../../gen/bench/v1/bench_pb.ts";
import { all, codec, kinds } from "./kinds.ts";
import { hex, oracleDecode, oracleEncode } from "./oracle.ts";

const hello = codec.compile(HelloSchema);
const hi = create(HelloSchema, { message: "hi" });

/** One value of each kind and width that MessagePack has. */
const values: readonly string[] = [
  "c0", "c2", "c3", "05", "ff", "cc05", "cdffff", "ceffffffff", `cf${"ff".repeat(8)}`,
  "d0ff", "d1ffff", "d2ffffffff", `d3${"ff".repeat(8)}`, "ca00000000", `cb${"00".repeat(8)}`,
  "a161", "d90161", "da000161", "db0000000161", "c40161", "c5000161", "c60000000161",
  "d40000", "d5000000", "d60000000000", `d700${"00".repeat(8)}`, `d800${"00".repeat(16)}`,
  "c7010000", "c800010000", "c9000000010000", "9101", "dc000101", "dd0000000101",
  "810102", "de00010102", "df000000010102", "92819105a0c0",
];

describe("MessagePack of what others write", () => {
  it("takes integers of any width, as floats and as digits", () => {
    const fives = ["05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005", "d10005"];
    const others = ["d200000005", "d30000000000000005", "ca40a00000", "cb4014000000000000"];
    for (const five of [...fives, ...others, "a135", "d90135"]) {
      const bytes = (key: string): Uint8Array =>
        Uint8Array.from([...oracleEncode({ [key]: 0 }).slice(0, -1), ...hex(five)]);
      expect(all.decode(bytes("int32Value")).int32Value, five).toBe(5);
      expect(all.decode(bytes("fixed32Value")).fixed32Value, five).toBe(5);
      expect(all.decode(bytes("sint64Value")).sint64Value, five).toBe(5n);
      expect(all.decode(bytes("fixed64Value")).fixed64Value, five).toBe(5n);
      expect(all.decode(bytes("longAsString")).longAsString, five).toBe("5");
    }
    expect(all.decode(oracleEncode({ int64Value: "-9223372036854775808" })).int64Value).toBe(-(2n ** 63n));
  });

  it("takes integers for floats, and wide floats for narrow ones", () => {
    const bytes = oracleEncode({ doubleValue: 5, floatValue: -5, repeatedFloat: [0.1], uint64Wrapper: "7" });
    expect(all.decode(bytes)).toStrictEqual(
      kinds({ doubleValue: 5, floatValue: -5, repeatedFloat: [Math.fround(0.1)], uint64Wrapper: 7n }),
    );
  });

  it("takes the names of the contract and JSON names, in any order", () => {
    const bytes = oracleEncode({ string_value: "s", int32Value: 1, "another Name": "x", double_value: 0.5 });
    expect(all.decode(bytes)).toStrictEqual(
      kinds({ stringValue: "s", int32Value: 1, renamed: "x", doubleValue: 0.5 }),
    );
  });

  it("takes headers in longer forms than needed", () => {
    expect(hello.decode(hex("de0001 d907 6d657373616765 da0002 6869"))).toStrictEqual(hi);
    expect(hello.decode(hex("df00000001 da0007 6d657373616765 db00000002 6869"))).toStrictEqual(hi);
  });

  it("takes keys of maps that are strings where they could be integers or bools", () => {
    const bytes = oracleEncode({
      int32Map: { "-1": 5 },
      fixed64Map: { "007": 1 },
      boolMap: { true: "y", false: "n" },
    });
    expect(all.decode(bytes)).toStrictEqual(
      kinds({ int32Map: { "-1": 5 }, fixed64Map: { 7: 1 }, boolMap: { true: "y", false: "n" } }),
    );
  });

  it("ignores what it does not know, of every kind", () => {
    for (const value of values) {
      const bytes = hex(`82 a178 ${value} a76d657373616765 a26869`);
      expect(hello.decode(bytes), value).toStrictEqual(hi);
    }
  });

  it("takes nil for a field that is not set", () => {
    const own = new Set(["value", "choiceValue", "choiceNull"]);
    const names = AllKindsSchema.fields.map((field) => field.jsonName).filter((name) => !own.has(name));
    const bytes = oracleEncode(Object.fromEntries(names.map((name) => [name, null])));
    expect(all.decode(bytes)).toStrictEqual(kinds({}));
  });

  it("takes enums by name or number, and ignores names that it does not know", () => {
    const bytes = oracleEncode({
      enumValue: "COLOR_PINK",
      repeatedEnum: ["COLOR_PINK", 2, 77, "COLOR_RED"],
      optionalEnum: -1,
      choiceEnum: "COLOR_PINK",
      choiceString: "s",
    });
    expect(all.decode(bytes)).toStrictEqual(
      kinds({
        repeatedEnum: [Color.GREEN, 77, Color.RED] as Color[],
        optionalEnum: Color.BLUE,
        choice: { case: "choiceString", value: "s" },
      }),
    );
    const map = hex(`81 a9 ${Buffer.from("sint32Map").toString("hex")} 82 01 a4 50494e4b 02 01`);
    expect(all.decode(map).sint32Map).toStrictEqual({ 2: Color.RED });
  });

  it("takes NullValue by name and number, and nil as a value of it", () => {
    const set = kinds({ choice: { case: "choiceNull", value: 0 } });
    for (const choiceNull of [null, 0, "NULL_VALUE"]) {
      expect(all.decode(oracleEncode({ choiceNull }))).toStrictEqual(set);
    }
  });

  it("takes timestamps in longer forms than needed, and as RFC 3339", () => {
    const timestamp = codec.compile(TimestampSchema);
    const one = create(TimestampSchema, { seconds: 1n });
    expect(timestamp.decode(hex("c70cff 00000000 0000000000000001"))).toStrictEqual(one);
    expect(timestamp.decode(hex("c704ff 00000001"))).toStrictEqual(one);
    expect(timestamp.decode(hex("c80008ff 00000000 00000001"))).toStrictEqual(one);
    expect(timestamp.decode(oracleEncode("1970-01-01T00:00:01Z"))).toStrictEqual(one);
    const quarter = create(TimestampSchema, { nanos: 250_000_000 });
    expect(timestamp.decode(oracleEncode("1970-01-01T01:00:00.25+01:00"))).toStrictEqual(quarter);
  });

  it("keeps a key called __proto__ to itself", () => {
    const bytes = oracleEncode({
      stringMap: JSON.parse('{"__proto__":{"name":"p"}}'),
      struct: JSON.parse('{"__proto__":{"polluted":true}}'),
    });
    const message = all.decode(bytes);
    expect(Object.keys(message.stringMap)).toEqual(["__proto__"]);
    expect(Object.keys(message.struct ?? {})).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(message.stringMap)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(message.struct)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(all.decode(all.encode(message))).toStrictEqual(message);
    expect(hello.decode(oracleEncode(JSON.parse('{"__proto__":1,"message":"hi"}')))).toStrictEqual(hi);
  });

  it("keeps a byte order mark and a replacement character", () => {
    for (const text of ["\uFEFFhi", `\uFEFF${"x".repeat(100)}`, "\uFFFD", "x".repeat(50) + "\uFFFD"]) {
      expect(all.decode(oracleEncode({ stringValue: text })).stringValue).toBe(text);
      expect(oracleDecode(all.encode(kinds({ stringValue: text })))).toEqual({ stringValue: text });
    }
  });
});
