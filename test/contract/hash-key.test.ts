import { create } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { AllKindsSchema, Color } from "../../gen/bench/v1/bench_pb.ts";
import type { HashKey } from "../../src/contract/hash-key.ts";
import { hashKey } from "../../src/contract/hash-key.ts";

function keyOf(path: string): HashKey {
  const key = hashKey(AllKindsSchema, path);
  if (typeof key === "string") throw new Error(key);
  return key;
}

describe("hashKey", () => {
  test.each([
    ["string_value", { stringValue: "Ada" }, "Ada"],
    ["int32_value", { int32Value: -7 }, "-7"],
    ["uint64_value", { uint64Value: 18_446_744_073_709_551_615n }, "18446744073709551615"],
    ["bool_value", { boolValue: true }, "true"],
    ["bytes_value", { bytesValue: new Uint8Array([0, 255]) }, "\0\u00FF"],
    ["enum_value", { enumValue: Color.GREEN }, "2"],
    ["long_as_string", { longAsString: "42" }, "42"],
    ["nested.name", { nested: { name: "inner" } }, "inner"],
    ["nested.child.number", { nested: { child: { number: 9n } } }, "9"],
    ["optional_string", { optionalString: "here" }, "here"],
    ["choice_string", { choice: { case: "choiceString", value: "chosen" } }, "chosen"],
    ["choice_nested.name", { choice: { case: "choiceNested", value: { name: "in" } } }, "in"],
    ["choice_wrapper", { choice: { case: "choiceWrapper", value: create(StringValueSchema, { value: "w" }) } }, "w"],
    ["int64_wrapper", { int64Wrapper: 5n }, "5"],
  ] as const)("reads %s", (path, init, key) => {
    expect(keyOf(path)(create(AllKindsSchema, init as never))).toBe(key);
  });

  test.each([
    "string_value",
    "bytes_value",
    "nested.name",
    "nested.child.number",
    "optional_string",
    "optional_int32",
    "choice_string",
    "choice_nested.name",
    "choice_wrapper",
    "int64_wrapper",
  ])("has no key where %s is not set", (path) => {
    expect(keyOf(path)(create(AllKindsSchema))).toBeUndefined();
    const other = create(AllKindsSchema, { choice: { case: "choiceInt64", value: 1n } });
    expect(keyOf(path)(other)).toBeUndefined();
  });

  test.each([
    ["", "bench.v1.AllKinds has no field "],
    ["stringValue", "bench.v1.AllKinds has no field stringValue"],
    ["nested", "nested is a message"],
    ["nested.", "bench.v1.AllKinds.Nested has no field "],
    ["string_value.length", "string_value has no fields of its own"],
    ["repeated_string", "repeated_string holds many values"],
    ["string_map.name", "string_map holds many values"],
    ["timestamp", "timestamp is a message"],
    ["choice", "bench.v1.AllKinds has no field choice"],
  ])("tells why %j cannot be one", (path, why) => {
    expect(hashKey(AllKindsSchema, path)).toContain(why);
  });
});
