import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Any,
  anyPack,
  AnySchema,
  DurationSchema,
  Int64ValueSchema,
  StructSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { AllKindsSchema, HelloSchema } from "../../gen/bench/v1/bench_pb.ts";
import { msgpackCodec } from "../../src/codec/msgpack.ts";
import { all, codec, kinds } from "./kinds.ts";
import { hex, oracleDecode, oracleEncode } from "./oracle.ts";

const any = codec.compile(AnySchema);

function helloAny(init: MessageInitShape<typeof HelloSchema>): Any {
  return anyPack(HelloSchema, create(HelloSchema, init));
}

describe("MessagePack of Any", () => {
  const hello = helloAny({ message: "hi" });
  const anyUrl = "type.googleapis.com/google.protobuf.Any";
  const duration = anyPack(DurationSchema, create(DurationSchema, { seconds: 3n }));

  it("is the map of its message with the type", () => {
    expect(oracleDecode(any.encode(hello))).toStrictEqual({
      "@type": "type.googleapis.com/bench.v1.Hello",
      message: "hi",
    });
    expect(any.decode(any.encode(hello))).toStrictEqual(hello);
  });

  it("has a message that is no map of fields under value", () => {
    expect(oracleDecode(any.encode(duration))).toStrictEqual({
      "@type": "type.googleapis.com/google.protobuf.Duration",
      value: "3s",
    });
    const fields = { "@type": { kind: { case: "stringValue", value: "x" } } } as const;
    const struct = anyPack(StructSchema, create(StructSchema, { fields }));
    for (const one of [duration, struct, anyPack(AnySchema, duration), anyPack(AnySchema, struct)]) {
      expect(any.decode(any.encode(one))).toStrictEqual(one);
    }
  });

  it("keeps the URL of the type, and an empty Any", () => {
    const other = create(AnySchema, { ...hello, typeUrl: "example.com/bench.v1.Hello" });
    expect(any.decode(any.encode(other))).toStrictEqual(other);
    expect(any.encode(create(AnySchema))).toStrictEqual(hex("80"));
    expect(any.decode(hex("80"))).toStrictEqual(create(AnySchema));
  });

  it("takes the type after the fields", () => {
    const typed = { message: "hi", junk: [1, { a: 2 }], "@type": hello.typeUrl };
    expect(any.decode(oracleEncode(typed))).toStrictEqual(hello);
    const long = anyPack(Int64ValueSchema, create(Int64ValueSchema, { value: 5n }));
    expect(any.decode(oracleEncode({ junk: 1, value: 5, "@type": long.typeUrl }))).toStrictEqual(long);
  });

  it("says what to do when the type is not known", () => {
    const without = msgpackCodec().compile(AllKindsSchema);
    const message = kinds({ any: hello });
    const wrong = /^any: "type.googleapis.com\/bench.v1.Hello" is not in the type registry: pass/;
    expect(() => without.encode(message)).toThrow(wrong);
    expect(() => without.decode(all.encode(message))).toThrow(wrong);
  });

  it("refuses an Any without a type or value, or with two values", () => {
    expect(() => any.decode(oracleEncode({ message: "hi" }))).toThrow('must have an "@type" (at byte 0)');
    expect(() => any.decode(oracleEncode({ "@type": duration.typeUrl }))).toThrow('must have a "value"');
    const two = Buffer.from(oracleEncode({ "@type": duration.typeUrl, value: "0s", valuf: "0s" }));
    two.write("value", two.lastIndexOf("valuf"));
    expect(() => any.decode(two)).toThrow('"value" is set twice');
  });

  it("refuses Anys in Anys that are nested too deep", () => {
    const nested = (depth: number): object =>
      depth === 0 ? { "@type": duration.typeUrl, value: "3s" } : { "@type": anyUrl, value: nested(depth - 1) };
    expect(any.decode(oracleEncode(nested(50))).typeUrl).toBe(anyUrl);
    expect(() => any.decode(oracleEncode(nested(150)))).toThrow("nested more than 100 levels deep");
  });

  it("does not spend long on Anys in Anys whose types come last", () => {
    const type = { "@type": "x/bench.v1.AllKinds" };
    let last: object = { ...type, repeatedInt32: Array.from({ length: 2000 }, () => 1) };
    for (let depth = 0; depth < 45; depth++) last = { any: last, ...type };
    expect(() => any.decode(oracleEncode(last))).toThrow('write "@type" as the first key');
    let first: object = type;
    for (let depth = 0; depth < 45; depth++) first = { ...type, any: first };
    expect(any.decode(oracleEncode(first)).typeUrl).toBe("x/bench.v1.AllKinds");
  });
});
