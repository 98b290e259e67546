import {
  create,
  fromBinary,
  getExtension,
  isFieldSet,
  ScalarType,
  setExtension,
  toBinary,
} from "@bufbuild/protobuf";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { FieldOptionsSchema, StringValueSchema, StructSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import { BlobSchema, HelloSchema, RecordSchema, TreeSchema } from "../../gen/bench/v1/bench_pb.ts";
import type { Tree } from "../../gen/bench/v1/bench_pb.ts";
import { field_behavior, FieldBehavior } from "../../gen/google/api/field_behavior_pb.ts";
import { protobufCodec } from "../../src/codec/protobuf.ts";
import { run } from "../support/run.ts";
import { wireMessages } from "./protobuf-contracts.ts";

const made = await wireMessages();

/** A type made for tests, whose messages have any properties. */
function typeOf(name: string): DescMessage {
  const found = made.find(({ typeName }) => typeName === `wire.${name}`);
  if (found === undefined) throw new Error(`there is no wire.${name}`);
  return found;
}

/** A message of the type, as what has any properties. */
function decode(desc: DescMessage, bytes: Uint8Array): Message & Record<string, unknown> {
  return protobufCodec.compile(desc).decode(bytes);
}

function encode(desc: DescMessage, init: Record<string, unknown>): Uint8Array {
  return protobufCodec.compile(desc).encode(create(desc, init));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Bytes of hex with spaces. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
}

const optional = typeOf("two.Optional");
const tree = protobufCodec.compile(TreeSchema);

describe("reading protobuf", () => {
  test("merges a message that occurs again, and takes the last of a scalar", () => {
    const implicit = typeOf("three.Implicit");
    const child = (init: Record<string, unknown>): Uint8Array => encode(implicit, { child: init });
    const parts = [child({ stringField: "a", int32FieldList: [1] }), child({ int32FieldList: [2] })];
    const twice = Buffer.concat(parts);
    expect(decode(implicit, twice)["child"]).toMatchObject({ stringField: "a", int32FieldList: [1, 2] });
    const last = Buffer.concat([encode(implicit, { int32Field: 1 }), encode(implicit, { int32Field: 2 })]);
    expect(decode(implicit, last)["int32Field"]).toBe(2);
  });

  test("merges a message of a oneof, unless another field of it came between", () => {
    const type = typeOf("three.Implicit");
    const first = encode(type, { one: { case: "oneChild", value: { int32Field: 1 } } });
    const second = encode(type, { one: { case: "oneChild", value: { stringField: "b" } } });
    const between = encode(type, { one: { case: "oneStringField", value: "" } });
    const child = (...parts: Uint8Array[]): unknown => decode(type, Buffer.concat(parts))["one"];
    expect(child(first, second)).toMatchObject({ value: { int32Field: 1, stringField: "b" } });
    expect(child(first, between, second)).toMatchObject({ value: { int32Field: 0, stringField: "b" } });
    expect(child(first, between)).toEqual({ case: "oneStringField", value: "" });
  });

  test("takes lists packed and not packed, whatever the contract says", () => {
    const lists = typeOf("two.Lists");
    const numbers = bytesOf("1801 1a020203 1804");
    expect(decode(lists, numbers)["int32Field"]).toEqual([1, 2, 3, 4]);
    const packed = bytesOf("b80101 ba01020203 b80104");
    expect(decode(lists, packed)["packedInt32Field"]).toEqual([1, 2, 3, 4]);
  });

  test("keeps what a closed enum does not have, and what it does not know, and writes both again", () => {
    const bytes = bytesOf("8001 09 9a3f 01 61");
    const read = decode(optional, bytes);
    expect(isFieldSet(read, optional.field["closed"]!)).toBe(false);
    expect(read.$unknown?.map(({ no }) => no)).toEqual([16, 1011]);
    expect(hex(protobufCodec.compile(optional).encode(read))).toBe(hex(bytes));
  });

  test("has defaults of proto2 without setting them", () => {
    const type = typeOf("two.Default");
    const read = decode(type, bytesOf("0807"));
    expect(read).toMatchObject({ number: 7, text: "text", truth: true, long: -5n, textLong: "9" });
    expect(type.fields.filter((field) => isFieldSet(read, field)).map(({ name }) => name)).toEqual(["number"]);
    expect(Object.getPrototypeOf(read)).toBe(Object.getPrototypeOf(create(type)));
    expect(hex(protobufCodec.compile(type).encode(read))).toBe("0807");
  });

  test("reads extensions, which are unknown fields, and writes them again", () => {
    const options = create(FieldOptionsSchema, { deprecated: true });
    setExtension(options, field_behavior, [FieldBehavior.REQUIRED, FieldBehavior.IMMUTABLE]);
    const codec = protobufCodec.compile(FieldOptionsSchema);
    const read = codec.decode(codec.encode(options));
    expect(getExtension(read, field_behavior)).toEqual([FieldBehavior.REQUIRED, FieldBehavior.IMMUTABLE]);
  });

  test("reads a message in a field whose name all objects have", () => {
    const type = typeOf("three.Named");
    const bytes = bytesOf("5202 1005 5202 1006");
    const read = decode(type, bytes);
    expect(read["hasOwnProperty"]).toMatchObject({ $typeName: "wire.three.Named", first: 6 });
    expect(hex(protobufCodec.compile(type).encode(read))).toBe("52021006");
    expect(Object.keys(decode(type, new Uint8Array(0)))).toEqual(["$typeName", "first"]);
    expect(hex(protobufCodec.compile(type).encode(decode(type, bytesOf("1005"))))).toBe("1005");
  });

  test("makes messages that share nothing that can be changed", () => {
    for (const type of [typeOf("three.Implicit"), optional, typeOf("edition.Presence")]) {
      const one = decode(type, new Uint8Array(0));
      const other = decode(type, new Uint8Array(0));
      for (const { localName, kind } of type.members) {
        const value = one[localName];
        if (typeof value !== "object" || ArrayBuffer.isView(value)) continue;
        expect([localName, kind, value === other[localName]]).toEqual([localName, kind, false]);
      }
    }
  });

  test("gives bytes as views of what it reads: of a Buffer as Buffers", () => {
    const bytes = toBinary(BlobSchema, create(BlobSchema, { data: Uint8Array.of(1, 2, 3) }));
    const blob = protobufCodec.compile(BlobSchema);
    const plain = blob.decode(bytes).data;
    expect([plain.buffer, plain.byteOffset, plain.length]).toEqual([bytes.buffer, bytes.byteOffset + 2, 3]);
    expect(plain.constructor).toBe(Uint8Array);
    const buffer = Buffer.from(bytes);
    expect(blob.decode(buffer).data).toEqual(buffer.subarray(2));
    expect(blob.decode(buffer).data.constructor).toBe(Buffer);
  });

  test("refuses strings that are not UTF-8 where the contract says so, and mends them elsewhere", () => {
    const type = typeOf("edition.Presence");
    const wrong = bytesOf("0361ff62");
    const checked = new BinaryWriter().tag(14, 2).raw(wrong).finish();
    expect(() => decode(type, checked)).toThrow("not valid for encoding utf-8");
    const unchecked = new BinaryWriter().tag(51, 2).raw(wrong).finish();
    expect(decode(type, unchecked)["unchecked"]).toBe("a\uFFFDb");
    // One that was there already is no error.
    const kept = new BinaryWriter().tag(14, 2).string("a\uFFFDb").finish();
    expect(decode(type, kept)["stringField"]).toBe("a\uFFFDb");
  });

  test("reads text of every length and alphabet", () => {
    const hello = protobufCodec.compile(HelloSchema);
    for (const letter of ["a", "\u007f", "\u0080", "é", "☃", "📚", "\uFEFF"]) {
      for (let length = 0; length < 70; length++) {
        for (const message of [letter.repeat(length), "x".repeat(length) + letter]) {
          const bytes = toBinary(HelloSchema, create(HelloSchema, { message }));
          expect(hello.decode(bytes).message).toBe(message);
          expect(hex(hello.encode(create(HelloSchema, { message })))).toBe(hex(bytes));
        }
      }
    }
  });

  test("nests messages a hundred deep, and not deeper", () => {
    const nested = (depth: number): Tree =>
      create(TreeSchema, { children: depth > 1 ? [nested(depth - 1)] : [] });
    expect(tree.decode(tree.encode(nested(100)))).toEqual(nested(100));
    const tooDeep = tree.encode(nested(101));
    expect(() => tree.decode(tooDeep)).toThrow(
      "cannot decode message bench.v1.Tree from binary: maximum recursion depth of 100 reached",
    );
    expect(() => fromBinary(TreeSchema, tooDeep)).toThrow("maximum recursion depth of 100 reached");
  });

  test("nests groups a hundred deep, known ones and others, and not deeper", () => {
    const delimited = typeOf("edition.Presence");
    for (const number of [45, 999]) {
      const groups = (depth: number): Uint8Array => {
        const writer = new BinaryWriter();
        for (let at = 0; at < depth; at++) writer.tag(number, 3);
        for (let at = 0; at < depth; at++) writer.tag(number, 4);
        return writer.finish();
      };
      expect(decode(delimited, groups(99))).toEqual(fromBinary(delimited, groups(99)));
      for (const depth of [100, 101, 5000]) {
        const attempt = (read: () => unknown): string => {
          try {
            read();
            return "read";
          } catch (error) {
            return (error as Error).message;
          }
        };
        const theirs = attempt(() => fromBinary(delimited, groups(depth)));
        expect(attempt(() => decode(delimited, groups(depth)))).toBe(theirs);
        if (depth > 100) expect(theirs).toContain("maximum recursion depth");
      }
    }
  });

  test("says that bytes end too early, wherever they are cut", () => {
    const bytes = toBinary(RecordSchema, create(RecordSchema, { i: 300, f: 1, b: true, s: "text" }));
    const ends = new Set([0, 3, 8, 10, bytes.length]);
    for (let length = 0; length <= bytes.length; length++) {
      const cut = bytes.slice(0, length);
      if (ends.has(length)) expect(decode(RecordSchema, cut)).toEqual(fromBinary(RecordSchema, cut));
      else expect(() => decode(RecordSchema, cut)).toThrow(new RangeError("premature EOF"));
    }
  });

  test("never takes more memory than the bytes allow", () => {
    const before = process.memoryUsage().arrayBuffers;
    const type = typeOf("three.Implicit");
    for (const { number, fieldKind, message, scalar } of type.fields) {
      const sized = fieldKind === "list" || message !== undefined || fieldKind === "map";
      const bytes = new BinaryWriter().tag(number, 2).uint32(2 ** 32 - 1).finish();
      if (sized || scalar === ScalarType.STRING || scalar === ScalarType.BYTES) {
        expect(() => decode(type, bytes)).toThrow(new RangeError("premature EOF"));
      }
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });
});

describe("writing protobuf", () => {
  test("gives messages in messages lengths of every size", () => {
    for (const length of [0, 1, 124, 125, 126, 127, 128, 16_379, 16_380, 16_384, 2_097_140, 2_097_160]) {
      const message = create(TreeSchema, {
        name: "root",
        children: [{ children: [{ name: "n".repeat(length) }, { name: "é".repeat(length) }] }, { id: 1n }],
      });
      expect(Buffer.from(tree.encode(message)).equals(toBinary(TreeSchema, message))).toBe(true);
    }
  });

  test("writes the fields in the order of their numbers, also around those of a oneof", () => {
    const type = typeOf("three.Unordered");
    const mixed = { case: "c", value: 1 };
    const init = { last: "l", mixed, first: 2, middle: "m", other: { case: "e", value: "e" } };
    expect(hex(encode(type, init))).toBe(hex(toBinary(type, create(type, init))));
    expect(hex(encode(type, { mixed: { case: "a", value: 1 }, first: 2 }))).toBe("08011002");
  });

  test("makes of half a surrogate what protobuf-es makes of it", () => {
    const hello = protobufCodec.compile(HelloSchema);
    for (const length of [0, 5, 15, 16, 17, 42, 127, 128, 1023, 1024, 1025, 6000]) {
      for (const half of ["\ud800", "\udc00", "\udc00\ud800", "\ud800x\udc00"]) {
        const message = create(HelloSchema, { message: "x".repeat(length) + half });
        expect(hex(hello.encode(message))).toBe(hex(toBinary(HelloSchema, message)));
      }
    }
  });

  test("refuses a message without a required field, and says which", () => {
    expect(() => encode(typeOf("two.Required"), { number: 1 })).toThrow(
      "cannot encode field wire.two.Required.text to binary: required field not set",
    );
    const within = { required: { text: "" } };
    expect(() => encode(typeOf("three.Implicit"), within)).toThrow("required field not set");
  });

  test("refuses numbers out of range and messages of another type, and says where", () => {
    expect(() => encode(RecordSchema, { i: 2 ** 31 })).toThrow(
      "cannot encode field bench.v1.Record.i to binary: invalid int32: 2147483648",
    );
    expect(() => encode(TreeSchema, { id: 2n ** 63n })).toThrow(
      "cannot encode field bench.v1.Tree.id to binary: invalid int64: 9223372036854775808",
    );
    const other = create(HelloSchema) as unknown as Tree;
    expect(() => tree.encode(other)).toThrow("cannot use field bench.v1.Tree.name with message bench.v1.Hello");
    expect(() => encode(BlobSchema, { data: "text" })).toThrow(
      "cannot encode field bench.v1.Blob.data to binary: invalid bytes: expected a Uint8Array",
    );
  });

  test("goes on after a message that could not be written, of which nothing is left", () => {
    const record = protobufCodec.compile(RecordSchema);
    const good = create(RecordSchema, { s: "good" });
    const expected = hex(toBinary(RecordSchema, good));
    for (let turn = 0; turn < 50; turn++) {
      const bad = create(RecordSchema, { i: 7, s: "bad".repeat(turn * 1000), str9: "x" });
      Object.defineProperty(bad, "str9", {
        get: () => {
          throw new Error("no");
        },
      });
      expect(() => record.encode(bad)).toThrow("no");
      expect(hex(record.encode(good))).toBe(expected);
    }
  });

  test("writes a message while another one is written, should a property do so", () => {
    const inner = create(RecordSchema, { s: "inner", str0: "x".repeat(500) });
    const record = protobufCodec.compile(RecordSchema);
    let bytes = new Uint8Array(0);
    const outer = create(RecordSchema, { i: 1, str1: "outer" });
    Object.defineProperty(outer, "s", { get: () => ((bytes = Uint8Array.from(record.encode(inner))), "read") });
    const copy = create(RecordSchema, { i: 1, s: "read", str1: "outer" });
    expect(hex(record.encode(outer))).toBe(hex(toBinary(RecordSchema, copy)));
    expect(hex(bytes)).toBe(hex(toBinary(RecordSchema, inner)));
  });

  test("fails on a message that holds itself, and goes on", () => {
    const message = create(TreeSchema);
    message.children.push(message);
    expect(() => tree.encode(message)).toThrow(RangeError);
    expect(hex(tree.encode(create(TreeSchema, { name: "a" })))).toBe("0a0161");
  });

  test("writes plain objects where a field holds a Struct, and messages where it does not", () => {
    const known = typeOf("three.Known");
    const json = { a: [1, "two", null, { b: true }], ["__proto__x"]: {} };
    const init = { struct: json, structList: [json, {}], structMap: { key: json } };
    expect(decode(known, encode(known, init))).toEqual(fromBinary(known, toBinary(known, create(known, init))));
    const value = create(ValueSchema, { kind: { case: "structValue", value: { fields: {} } } });
    expect(protobufCodec.compile(ValueSchema).decode(bytesOf("2a00"))).toEqual(value);
    expect(protobufCodec.compile(StructSchema).decode(new Uint8Array(0))).toEqual(create(StructSchema));
  });

  test("never writes what it gave away, however many messages follow", () => {
    const codec = protobufCodec.compile(StringValueSchema);
    const messages = Array.from({ length: 3000 }, (_, at) =>
      create(StringValueSchema, { value: String(at).repeat(at % 40) }),
    );
    const all = messages.map((message) => codec.encode(message));
    for (const [at, bytes] of all.entries()) {
      expect(hex(bytes)).toBe(hex(toBinary(StringValueSchema, messages[at]!)));
    }
  });

  test("leaves it to protobuf-es where that has integers of 64 bits as strings", async () => {
    const script = `
      const { create } = await import("@bufbuild/protobuf");
      const { protobufCodec } = await import("./src/codec/protobuf.ts");
      const { TreeSchema } = await import("./gen/bench/v1/bench_pb.ts");
      const tree = protobufCodec.compile(TreeSchema);
      const message = create(TreeSchema, { id: "123456789012345678" });
      console.log(JSON.stringify(tree.decode(tree.encode(message)).id));
    `;
    const node = [process.execPath, "--input-type=module", "--no-warnings", "-e", script];
    const ended = await run("env", ["BUF_BIGINT_DISABLE=1", ...node]);
    expect([ended.stdout.trim(), ended.stderr]).toEqual(['"123456789012345678"', ""]);
  });
});
