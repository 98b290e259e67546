import { fromJson } from "@bufbuild/protobuf";
import type { DescMessage, FileRegistry } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import type { Validator } from "@bufbuild/protovalidate";
import { beforeAll, describe, expect, test } from "vitest";
import type { Json, OpenApiDocument } from "../../src/openapi/model.ts";
import { openapi } from "../../src/openapi/openapi.ts";
import { contracts, message, mismatches, propertyOf, schemaOf, service } from "./check.ts";
import type { Example } from "./check.ts";
import { cornersImage } from "./compile.ts";

let registry: FileRegistry;
let document: OpenApiDocument;
let validator: Validator;

beforeAll(async () => {
  registry = contracts(await cornersImage());
  document = openapi([service(registry, "corners.v1.CornersService")]);
  validator = createValidator({ registry });
});

/** A field, with values that its rules take and values that they do not. */
type Case = readonly [field: string, good: readonly Json[], bad: readonly Json[]];

const rules: readonly Case[] = [
  ["const", ["x"], ["y", ""]],
  ["len", ["abc", "äöü", "😀😀😀"], ["ab", "abcd"]],
  ["minMaxLen", ["ab", "abcd", "😀😀"], ["a", "abcde", "😀"]],
  ["maxBytes", ["", "abcd", "ää"], ["abcde"]],
  ["pattern", ["a", "aaa"], ["", "ab", "baa"]],
  ["prefixSuffix", ["a.z", "a.bz"], ["az", "a.", "ba.z", "axz"]],
  ["contains", ["(b)", "a(b)c"], ["b", "a(c)"]],
  ["notContains", ["", "a"], ["b", "abc"]],
  ["in", ["a", "b"], ["", "c"]],
  ["notIn", ["", "c"], ["a", "b"]],
  ["email", ["ada@example.com"], ["ada", "ada@"]],
  ["uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567", "x"]],
  ["ip", ["127.0.0.1", "::1"], ["127.0.0", "localhost"]],
  ["uri", ["https://example.com/a?b#c"], ["a b", "/only/a/path"]],
  ["hostname", ["example.com"], ["-example.com", "a_b"]],
  ["range", [1, 10], [0, 11, -1]],
  ["outside", [-1, 11], [0, 10, 5]],
  ["longIn", ["1", "2"], ["0", "3"]],
  ["finite", [0, 1.5, -1e300], ["NaN", "Infinity", "-Infinity"]],
  ["above", [0, 2, "Infinity"], [-1, "NaN", "-Infinity"]],
  ["between", [0, 0.5], [1, -0.5, "NaN", "Infinity", "-Infinity"]],
  ["yes", [true], [false]],
  ["colorIn", ["COLOR_RED", "COLOR_BLUE", "COLOR_CRIMSON"], ["COLOR_UNSPECIFIED"]],
  ["colorDefined", ["COLOR_UNSPECIFIED", "COLOR_BLUE"], []],
  ["bytesLen", ["AQ==", "AQ", "AQIDBA=="], ["", "AQIDBAUGBwg="]],
  ["items", [["ab"], ["ab", "cd", "ef"]], [[], ["a"], ["ab", "ab"], ["ab", "cd", "ef", "gh"]]],
  ["pairs", [{ a: 0 }, { a: 1, b: 2 }], [{}, { A: 1 }, { a: -1 }, { a: 1, b: 2, c: 3 }]],
  ["wrapped", ["ab", null], ["a", ""]],
  ["ignored", ["", "a", "abc"], []],
  ["orEmpty", ["", "ab"], ["a"]],
  ["example", ["", "anything"], []],
  ["nullableIn", ["a", null], ["b", ""]],
];

/** Whether protovalidate takes a value of a field. Rules of other fields do not matter. */
function isValid(desc: DescMessage, name: string, value: Json): boolean {
  const outcome = validator.validate(desc, fromJson(desc, { [name]: value as never }, { registry }));
  if (outcome.kind !== "invalid") return outcome.kind === "valid";
  return !outcome.violations.some(({ field }) => field[0]?.kind === "field" && field[0].jsonName === name);
}

describe("the schema of a field with rules takes what protovalidate takes", () => {
  test.each(rules)("%s", async (name, good, bad) => {
    const schema = propertyOf(document, "corners.v1.Rules", name);
    const desc = message(registry, "corners.v1.Rules");
    const values = [...good, ...bad];
    // The table is right about protovalidate, …
    expect(values.filter((value) => isValid(desc, name, value))).toEqual(good);
    // … and so is the schema.
    const wrong = await mismatches(document, values.map((value): Example => ({ schema, value })));
    expect(values.filter((_value, at) => !wrong.has(at))).toEqual(good);
  });
});

describe("what JSON Schema cannot say is in the description", () => {
  test.each([
    ["re2", String.raw`Must match the RE2 expression ${"`"}(?i)^a\z${"`"}.`],
    ["maxBytes", "Must have at most 4 bytes in UTF-8."],
    ["hostAndPort", "Must be a host and a port."],
    ["header", "Must be the name of an HTTP header."],
    ["longRange", "Must be at least 1 and less than 9007199254740993."],
    ["past", "Must be in the past."],
    ["short", "Must be greater than 0s and at most 5s."],
    ["mask", "Each path must be one of `a`, `b`."],
    ["any", "`@type` must be one of `type.googleapis.com/corners.v1.Tree`."],
    ["cel", "Rule: must have an even length."],
    ["expression", "Rule: `this != 'x'`."],
  ])("%s", (name, description) => {
    expect(propertyOf(document, "corners.v1.Rules", name).description).toBe(description);
  });

  test("rules in CEL are there as they are, too", () => {
    expect(propertyOf(document, "corners.v1.Rules", "cel")["x-cel"]).toEqual([
      { id: "cel.even", message: "must have an even length", expression: "size(this) % 2 == 0" },
    ]);
  });

  test("examples are examples", () => {
    expect(propertyOf(document, "corners.v1.Rules", "example").examples).toEqual(["for example"]);
  });
});

describe("the schema of a message with rules takes what protovalidate takes", () => {
  const good: Readonly<Record<string, Json>> = {
    second: 1,
    third: "a",
    must: "a",
    mustNumber: 1,
    mustColor: "COLOR_RED",
    mustList: ["a"],
    mustMap: { a: "b" },
    mustMessage: { name: "a" },
    mustOptional: "",
    left: "",
  };
  const without = (name: string): Json => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));

  test.each<[string, Json, boolean]>([
    ["all that must be there", good, true],
    ["another member of the oneof", { ...(without("left") as object), right: "" }, true],
    ["no member of the oneof", without("left"), false],
    ["none of the fields of which one must be set", without("second"), false],
    ["two fields of which one may be set", { ...good, first: 1 }, false],
    ["none of the fields of which one may be set", without("third"), true],
    ["both fields of which one may be set", { ...good, fourth: "b" }, false],
    ...["must", "mustNumber", "mustColor", "mustList", "mustMap", "mustMessage", "mustOptional"].map(
      (name): [string, Json, boolean] => [`no ${name}`, without(name), false],
    ),
    ["a null, which stands for nothing", { ...good, mustOptional: null }, false],
    ["an empty text", { ...good, must: "" }, false],
    ["a zero", { ...good, mustNumber: 0 }, false],
    ["the zero value of an enum", { ...good, mustColor: "COLOR_UNSPECIFIED" }, false],
    ["an empty list", { ...good, mustList: [] }, false],
    ["an empty map", { ...good, mustMap: {} }, false],
  ])("%s", async (_name, value, valid) => {
    const desc = message(registry, "corners.v1.MoreRules");
    expect(validator.validate(desc, fromJson(desc, value as never)).kind).toBe(valid ? "valid" : "invalid");
    const schema = schemaOf(document, "corners.v1.MoreRules");
    expect((await mismatches(document, [{ schema, value }])).size === 0).toBe(valid);
  });
});
