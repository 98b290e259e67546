import { describe, expect, test } from "vitest";
import { parseTemplate, TemplateError } from "../../../src/protocol/rest/template.ts";
import type { Template } from "../../../src/protocol/rest/template.ts";

/** Segments and variables in a short form: `v1 * **`, `name=1..3 multi`. */
function short({ segments, variables, verb }: Template): readonly (string | undefined)[] {
  const shape = segments.map((s) => (s.kind === "literal" ? s.text : s.kind === "single" ? "*" : "**"));
  const bound = variables.map((v) => `${v.fieldPath}=${v.start}..${v.end}${v.multi ? " multi" : ""}`);
  return [shape.join(" "), bound.join(", "), verb];
}

describe("a path template", () => {
  test.each<readonly [string, readonly (string | undefined)[]]>([
    ["/v1/books", ["v1 books", "", undefined]],
    ["/v1/*", ["v1 *", "", undefined]],
    ["/**", ["**", "", undefined]],
    ["/v1/*/x/**", ["v1 * x **", "", undefined]],
    ["/v1/{id}", ["v1 *", "id=1..2", undefined]],
    ["/v1/{id=*}", ["v1 *", "id=1..2", undefined]],
    ["/v1/{id=fixed}", ["v1 fixed", "id=1..2", undefined]],
    ["/v1/{path=**}", ["v1 **", "path=1..2 multi", undefined]],
    ["/v1/{name=shelves/*}", ["v1 shelves *", "name=1..3 multi", undefined]],
    ["/v1/{a.b_2=x/*/y/**}", ["v1 x * y **", "a.b_2=1..5 multi", undefined]],
    ["/v1/{a}/and/{b=c/*}/d", ["v1 * and c * d", "a=1..2, b=3..5 multi", undefined]],
    ["/v1/{name=books/*}:archive", ["v1 books *", "name=1..3 multi", "archive"]],
    ["/v1/books:search", ["v1 books", "", "search"]],
    ["/v1/{path=**}:read", ["v1 **", "path=1..2 multi", "read"]],
    ["/-_.~/A%2Fb/%c3%a9:%41", ["-_.~ A/b é", "", "A"]],
  ])("reads %s", (text, expected) => {
    expect(short(parseTemplate(text))).toEqual(expected);
    expect(parseTemplate(text).text).toBe(text);
  });

  test.each([
    ["", 'it must start with "/"'],
    ["v1", 'it must start with "/"'],
    ["/", "a segment is empty"],
    ["/v1/", "a segment is empty"],
    ["/v1//books", '"/" is not expected'],
    ["/v1/:archive", '":" is not expected'],
    ["/v1/books:", "a verb is empty"],
    ["/v1/books:a:b", '":" is not expected'],
    ["/v1/{a}:x/y", '"/" is not expected'],
    ["/v1/**/books", 'nothing may follow "**" but a verb'],
    ["/v1/{a=**}/books", 'nothing may follow "**" but a verb'],
    ["/v1/{a=**/x}", 'nothing may follow "**" but a verb'],
    ["/v1/{a={b}}", "a variable may not contain a variable"],
    ["/v1/{a}/{a}", "the variable a is there twice"],
    ["/v1/{}", "a field path is expected"],
    ["/v1/{1a}", "a field path is expected"],
    ["/v1/{a.}", '"." is not expected'],
    ["/v1/{a", "it ends too early"],
    ["/v1/{a=}", '"}" is not expected'],
    ["/v1/{a=/x}", '"/" is not expected'],
    ["/v1/x{a}", '"{" is not expected'],
    ["/v1/{a}x", '"x" is not expected'],
    ["/v1/{a}{b}", '"{" is not expected'],
    ["/v1/***", '"*" is not expected'],
    ["/v1/a b", 'write it as %20'],
    ["/v1/@me", 'write it as %40'],
    ["/v1/é", 'write it as %C3%A9'],
    ["/v1?a=b", 'write it as %3F'],
    ["/v1#a", 'write it as %23'],
    ["/v1/%zz", 'write it as %25'],
    ["/v1/%ff", "%ff is not UTF-8"],
    ["/v1/../x", 'clients remove the segment ".."'],
    ["/./x", 'clients remove the segment "."'],
  ])("refuses %s, and says why and where", (text, why) => {
    const thrown = ((): unknown => {
      try {
        return parseTemplate(text);
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(TemplateError);
    expect((thrown as Error).message).toContain(why);
    expect((thrown as Error).message).toMatch(/at position \d+ of /);
  });
});
