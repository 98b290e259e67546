import { create, toJson } from "@bufbuild/protobuf";
import type { DescMethod, JsonValue } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { LibraryService } from "../../../gen/library/v1/library_pb.ts";
import { BadRequestSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { pathBinder } from "../../../src/protocol/rest/path.ts";
import { pathWriter } from "../../../src/protocol/rest/path-writer.ts";
import { bindingOf, rule } from "../../support/rest-rule.ts";

const { getBook, searchBooks, updateBook } = LibraryService.method;

function bound(method: DescMethod, template: string, path: string): JsonValue {
  const message = create(method.input);
  pathBinder(bindingOf(method, rule("POST", template)))(message, path);
  return toJson(method.input, message);
}

describe("a path variable", () => {
  test.each<readonly [string, string, string, string]>([
    ["decodes everything in one segment", "/v1/{name}", "/v1/a%2Fb%20c%3Ad", "a/b c:d"],
    ["decodes once", "/v1/{name}", "/v1/a%252Fb", "a%2Fb"],
    ["is one segment with an explicit *", "/v1/{name=*}", "/v1/a%2fb", "a/b"],
    ["keeps an encoded slash in several segments", "/v1/{name=a/*}", "/v1/a/b%2Fc%2fd", "a/b%2Fc%2fd"],
    ["decodes the rest in several segments", "/v1/{name=a/*}/c/*", "/v1/a/%2fb%23x/c/%20", "a/%2fb#x"],
    ["decodes an encoded percent next to an encoded slash", "/v1/{name=**}", "/v1/%20%2523%252F%2F", " %23%2F%2F"],
    ["is several segments even when ** captures one", "/v1/{name=**}", "/v1/a%2Fb", "a%2Fb"],
    ["takes no segments", "/v1/{name=**}", "/v1", ""],
    ["keeps empty segments of **", "/v1/{name=**}", "/v1/a//b/", "a//b/"],
    ["has no slash at its start", "/v1/{name=x/**}", "/v1/x/y", "x/y"],
    ["takes a plus as a plus", "/v1/{name}", "/v1/a+b", "a+b"],
    ["ends before the verb", "/v1/{name=books/*}:archive", "/v1/books/a:b:archive", "books/a:b"],
    ["ends before the verb of **", "/v1/{name=**}:read", "/v1/a/b:read", "a/b"],
    ["captures nothing before the verb", "/v1/{name=**}:read", "/v1:read", ""],
    ["keeps a colon without a verb", "/v1/{name}", "/v1/a:b", "a:b"],
    ["holds UTF-8", "/v1/{name}", "/v1/%C3%A9%F0%9F%93%9A", "é📚"],
    ["is not fooled by dots", "/v1/{name=**}", "/v1/../%2e%2e/x", "../../x"],
    ["stands between others", "/v1/{isbn}/x/{name}/y", "/v1/1/x/2/y", "2"],
  ])("%s", (_what, template, path, name) => {
    expect(bound(getBook, template, path)).toMatchObject(name === "" ? {} : { name });
  });

  test.each<readonly [string, string, JsonValue]>([
    ["max_cents", "9007199254740993", { maxCents: "9007199254740993" }],
    ["min_pages", "0", { minPages: 0 }],
    ["by_title", "true", { byTitle: true }],
    ["archived", "false", { archived: false }],
    ["max_copies", "-5", { maxCopies: "-5" }],
    ["author", "", {}],
    ["min_rating", "-Infinity", { minRating: "-Infinity" }],
    ["page_token", "-_8%3D", { pageToken: "+/8=" }],
    ["added_after", "2026-01-02T03:04:05Z", { addedAfter: "2026-01-02T03:04:05Z" }],
    ["by_age_from", "2026-01-02T03%3A04:05.5%2B01:00", { byAgeFrom: "2026-01-02T02:04:05.500Z" }],
    ["max_age", "1.5s", { maxAge: "1.500s" }],
    ["read_mask", "a_b,cD", { readMask: "aB,cD" }],
    ["like.genre", "GENRE_SCIENCE", { like: { genre: "GENRE_SCIENCE" } }],
    ["like.genre", "2", { like: { genre: "GENRE_SCIENCE" } }],
    ["like.genre", "77", { like: { genre: 77 } }],
    ["like.author.address.country_code", "de", { like: { author: { address: { country: "de" } } } }],
  ])("of the field %s reads %s", (field, text, expected) => {
    if (text === "") expect(bound(searchBooks, `/v1/{${field}=**}`, "/v1")).toEqual({ [field]: "" });
    else expect(bound(searchBooks, `/v1/{${field}}`, `/v1/${text}`)).toEqual(expected);
  });

  test.each([
    ["/v1/{name}", "/v1/%zz", "malformed"],
    ["/v1/{name}", "/v1/%4", "malformed"],
    ["/v1/{name}", "/v1/a%", "malformed"],
    ["/v1/{name=**}", "/v1/a/%zz/%2F", "malformed"],
    ["/v1/{name}", "/v1/%ff", "not UTF-8"],
    ["/v1/{name=a/*}", "/v1/a/%C3", "not UTF-8"],
  ])("of %s refuses %s", (template, path, why) => {
    const error = ((): ConnectError => {
      try {
        bound(getBook, template, path);
      } catch (thrown) {
        return ConnectError.from(thrown);
      }
      throw new Error("it was not refused");
    })();
    expect([error.code, error.message]).toEqual([Code.InvalidArgument, expect.stringContaining(why)]);
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).toBe("name");
  });

  test.each([
    ["max_cents", "1.5", "int64"],
    ["max_cents", "0x10", "int64"],
    ["max_cents", "9223372036854775808", "int64"],
    ["copy_number", "-1", "uint64"],
    ["min_pages", "many", "int32"],
    ["by_title", "1", "bool"],
    ["like.genre", "GENRE_NONE", "library.v1.Genre"],
    ["added_after", "yesterday", "google.protobuf.Timestamp"],
    ["max_age", "1m", "google.protobuf.Duration"],
    ["max_copies", "a", "int64"],
    ["page_token", "%C3%A9", "bytes"],
  ])("of the field %s refuses %s", (field, text, kind) => {
    expect(() => bound(searchBooks, `/v1/{${field}}`, `/v1/${text}`)).toThrow(`in the path as ${kind}`);
  });

  test("replaces what the body has, and makes messages on its way", () => {
    const message = create(updateBook.input, { book: { name: "old", title: "kept" } });
    pathBinder(bindingOf(updateBook, rule("PATCH", "/v1/{book.name=books/*}", { body: "book" })))(message, "/v1/books/7");
    expect(message.book).toMatchObject({ name: "books/7", title: "kept" });
  });

  test("replaces another member of its oneof", () => {
    const message = create(searchBooks.input, { order: { case: "byAgeFrom", value: {} } });
    pathBinder(bindingOf(searchBooks, rule("POST", "/v1/{by_title}", { body: "*" })))(message, "/v1/true");
    expect(message.order).toEqual({ case: "byTitle", value: true });
  });
});

describe("the path that a client writes", () => {
  const write = (method: DescMethod, template: string, json: Record<string, JsonValue>): string => {
    const written = pathWriter(bindingOf(method, rule("GET", template)))(json);
    return typeof written === "string" ? `no: ${written}` : written.path;
  };

  test.each<readonly [string, string, string]>([
    ["/v1/{name}", "a/b c:d%é+!'()*~", "/v1/a%2Fb%20c%3Ad%25%C3%A9%2B%21%27%28%29%2A~"],
    ["/v1/{name=shelves/*/books/*}", "shelves/a b/books/7:x", "/v1/shelves/a%20b/books/7%3Ax"],
    ["/v1/{name=shelves/*}:archive", "shelves/1", "/v1/shelves/1:archive"],
    ["/v1/{name=**}", "a//b/", "/v1/a//b/"],
    ["/v1/{name=**}", "a%2Fb", "/v1/a%252Fb"],
    ["/v1/{name=**}", "", "/v1"],
    ["/v1/{name=**}:read", "", "/v1:read"],
    ["/v1/{name=x/**}", "x", "/v1/x"],
    ["/v1/{name=x/**}", "x/", "/v1/x/"],
    ["/v1/b%20c/{name}", "x", "/v1/b%20c/x"],
    ["/v1/*/{name}", "x", "/v1/-/x"],
  ])("for %s and %j is %s", (template, name, path) => {
    expect(write(getBook, template, { name })).toBe(path);
  });

  test.each<readonly [string, string]>([
    ["/v1/{name}", ""],
    ["/v1/{name}", "."],
    ["/v1/{name}", ".."],
    ["/v1/{name=shelves/*}", "books/1"],
    ["/v1/{name=shelves/*}", "shelves"],
    ["/v1/{name=shelves/*}", "shelves/"],
    ["/v1/{name=shelves/*}", "shelves/1/2"],
    ["/v1/{name=shelves/*}", "/shelves/1"],
    ["/v1/{name=shelves/*}", "shelves/.."],
    ["/v1/{name=**}", "a/../b"],
    ["/v1/{name=fixed}", "other"],
  ])("for %s refuses %j", (template, name) => {
    expect(write(getBook, template, { name })).toContain(`no: name "${name}" does not fit`);
  });

  test("takes the default of a field without presence, and refuses one that is not set", () => {
    expect(write(searchBooks, "/v1/{max_cents}", {})).toBe("/v1/0");
    expect(write(searchBooks, "/v1/{min_rating}", {})).toBe("/v1/0");
    expect(write(LibraryService.method.listBooks, "/v1/{genre}", {})).toBe("/v1/GENRE_UNSPECIFIED");
    expect(write(searchBooks, "/v1/{min_pages}", {})).toBe("no: min_pages is not set");
    expect(write(searchBooks, "/v1/{by_title}", {})).toBe("no: by_title is not set");
    expect(write(searchBooks, "/v1/{like.title}", {})).toBe("no: like.title is not set");
  });
});
