import { gzipSync } from "node:zlib";
import { toJson } from "@bufbuild/protobuf";
import type { DescMethod, JsonValue } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { HttpBodySchema } from "../../../gen/google/api/httpbody_pb.ts";
import { LibraryService } from "../../../gen/library/v1/library_pb.ts";
import type { RestOptions } from "../../../src/index.ts";
import { HttpRefusal } from "../../../src/protocol/rest/refusal.ts";
import { requestReader } from "../../../src/protocol/rest/request.ts";
import { bindingOf, rule } from "../../support/rest-rule.ts";
import type { Rule } from "../../support/rest-rule.ts";
import { all, failure, streamOf } from "../../support/outcome.ts";

const { getBook, searchBooks, createBook, updateBook, setTags, archiveBook, putFile, importBooks, writeFile } =
  LibraryService.method;

interface Given {
  readonly target?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Record<string, string>;
  readonly rest?: RestOptions;
  readonly readMaxBytes?: number;
}

const bytesOf = (text: string | Uint8Array): Uint8Array => (typeof text === "string" ? new TextEncoder().encode(text) : text);

function reader(method: DescMethod, init: Rule, { rest = {}, readMaxBytes = 1_000_000 }: Given) {
  return requestReader(bindingOf(method, init), { rest, readMaxBytes, writeMaxBytes: 1 });
}

async function read(method: DescMethod, init: Rule, given: Given): Promise<JsonValue> {
  const { target = "/v1/x", body = "", headers } = given;
  const header = new Headers(headers);
  return toJson(method.input, await reader(method, init, given).read({ target, header, body: streamOf(bytesOf(body)) }));
}

async function stream(method: DescMethod, init: Rule, given: Given, ...chunks: readonly string[]): Promise<JsonValue[]> {
  const { target = "/v1/x", headers } = given;
  const body = streamOf(...chunks.map(bytesOf));
  const messages = await all(reader(method, init, given).stream({ target, header: new Headers(headers), body }));
  return messages.map((message) => toJson(method.input, message));
}

async function refused(promise: Promise<unknown>): Promise<readonly [number | Code, string]> {
  const error = await promise.then(
    () => {
      throw new Error("it was not refused");
    },
    (thrown: unknown) => thrown,
  );
  return error instanceof HttpRefusal
    ? [error.status, error.message]
    : [ConnectError.from(error).code, ConnectError.from(error).rawMessage];
}

describe("a body rule of *", () => {
  const everything = rule("POST", "/v1/{name=books/*}:archive", { body: "*" });
  const target = "/v1/books/7:archive";

  test("takes every field from the body but what the path binds, and nothing from the query", async () => {
    const body = '{"name": "books/8", "reason": "old", "keep": "3s"}';
    expect(await read(archiveBook, everything, { target: `${target}?reason=x&nope=1`, body })).toEqual({
      name: "books/7",
      reason: "old",
      keep: "3s",
    });
  });

  test.each(["", "  \n", "{}"])("takes the body %j as an empty message", async (body) => {
    expect(await read(archiveBook, everything, { target, body })).toEqual({ name: "books/7" });
  });

  test("drops fields that it does not know", async () => {
    expect(await read(archiveBook, everything, { target, body: '{"nope": {"a": [1]}, "reason": "x"}' })).toMatchObject({ reason: "x" });
  });

  test.each<readonly [string, string | Uint8Array, string]>([
    ["text after it", '{"reason": "a"} x', "cannot read library.v1.ArchiveBookRequest from JSON"],
    ["two of it", "{}{}", "cannot read library.v1.ArchiveBookRequest from JSON"],
    ["half of it", '{"reason": ', "cannot read library.v1.ArchiveBookRequest from JSON"],
    ["a list", "[]", "cannot read library.v1.ArchiveBookRequest from JSON"],
    ["a field of another type", '{"reason": 5}', "reason"],
    ["a field twice", '{"reason": "a", "reason": "b"}', "reason"],
    ["what is not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), "not UTF-8"],
  ])("refuses JSON with %s", async (_what, body, why) => {
    const [code, message] = await refused(read(archiveBook, everything, { target, body }));
    expect([code, message]).toEqual([Code.InvalidArgument, expect.stringContaining(why)]);
  });

  test("keeps integers of 64 bits that are written as numbers", async () => {
    const body = '{"maxCents": 9007199254740993, "copyNumber": 18446744073709551615, "minRating": 100000000000000000000, "text": "1234567890123456789"}';
    expect(await read(searchBooks, rule("POST", "/v1/x", { body: "*" }), { body })).toEqual({
      text: "1234567890123456789",
      maxCents: "9007199254740993",
      copyNumber: "18446744073709551615",
      minRating: 1e20,
    });
  });
});

describe("a body rule of a field", () => {
  const field = (name: string): Rule => rule("POST", "/v1/x", { body: name });

  test.each<readonly [string, DescMethod, string, string, JsonValue]>([
    ["a message", createBook, "book", '{"title": "a", "author": {"family_name": "b"}}', { book: { title: "a", author: { familyName: "b" } } }],
    ["a message that is null", createBook, "book", " null ", {}],
    ["a message that is empty", createBook, "book", "{}", { book: {} }],
    ["no message", createBook, "book", "", {}],
    ["a string", createBook, "book_id", '"seven"', { bookId: "seven" }],
    ["a number", searchBooks, "min_pages", "5", { minPages: 5 }],
    ["64 bits", searchBooks, "max_cents", "9007199254740993", { maxCents: "9007199254740993" }],
    ["a list", setTags, "tags", '["b", "a"]', { tags: ["b", "a"] }],
    ["an empty list", setTags, "tags", "[]", {}],
    ["a list of messages", searchBooks, "copies", '[{"number": 1}, {}]', { copies: [{ number: "1" }, {}] }],
    ["a map", searchBooks, "translations", '{"de": "x"}', { translations: { de: "x" } }],
    ["enums", searchBooks, "genres", '["GENRE_FICTION", 2]', { genres: ["GENRE_FICTION", "GENRE_SCIENCE"] }],
    ["a wrapper", searchBooks, "archived", "false", { archived: false }],
    ["a wrapper that is null", searchBooks, "archived", "null", {}],
    ["a timestamp", searchBooks, "added_after", '"2026-01-02T03:04:05Z"', { addedAfter: "2026-01-02T03:04:05Z" }],
    ["a duration", searchBooks, "max_age", '"1.5s"', { maxAge: "1.500s" }],
    ["bytes", searchBooks, "page_token", '"-_8"', { pageToken: "+/8=" }],
    ["a member of a oneof", searchBooks, "by_distance_from", '{"city": "x"}', { byDistanceFrom: { city: "x" } }],
  ])("takes %s", async (_what, method, name, body, expected) => {
    expect(await read(method, field(name), { body })).toEqual(expected);
  });

  test("leaves other fields to the query, and the path wins", async () => {
    const update = rule("PATCH", "/v1/{book.name=books/*}", { body: "book" });
    const target = "/v1/books/7?allow_missing=true&updateMask=title";
    expect(await read(updateBook, update, { target, body: '{"name": "books/8", "title": "a"}' })).toEqual({
      book: { name: "books/7", title: "a" },
      allowMissing: true,
      updateMask: "title",
    });
    expect(await read(updateBook, update, { target: "/v1/books/7" })).toEqual({ book: { name: "books/7" } });
  });

  test.each<readonly [DescMethod, string, string]>([
    [createBook, "book", "{} {}"],
    [createBook, "book", '{"title": 1}'],
    [createBook, "book", '{"title": "a", "title": "b"}'],
    [setTags, "tags", '["a"], "name": "x"'],
    [setTags, "tags", '"a"'],
    [createBook, "book_id", "seven"],
  ])("of %s, %s refuses %s", async (method, name, body) => {
    const [code, message] = await refused(read(method, field(name), { body }));
    expect([code, message]).toEqual([Code.InvalidArgument, expect.any(String)]);
  });
});

describe("a rule without body", () => {
  test("does not look at what a caller sends", async () => {
    const body = new Uint8Array([0xff]);
    const headers = { "content-type": "text/plain", "content-encoding": "nope" };
    expect(await read(getBook, rule("GET", "/v1/{name}"), { target: "/v1/7?isbn=1", body, headers })).toEqual({ name: "7", isbn: "1" });
  });
});

describe("the content type", () => {
  const post = rule("POST", "/v1/x", { body: "book" });

  test.each([
    "application/json",
    "APPLICATION/JSON",
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
    "application/merge-patch+json",
    "application/vnd.library.v1+json; v=1",
  ])("%s is JSON", async (type) => {
    expect(await read(createBook, post, { body: "{}", headers: { "content-type": type } })).toEqual({ book: {} });
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/jsonx", "multipart/form-data; boundary=x", "application/proto"])(
    "%s is refused with 415",
    async (type) => {
      const [status, message] = await refused(read(createBook, post, { body: "{}", headers: { "content-type": type } }));
      expect([status, message]).toEqual([415, expect.stringContaining(type)]);
    },
  );

  test("may be missing, and means nothing without a body", async () => {
    expect(await read(createBook, post, { body: "{}" })).toEqual({ book: {} });
    const headers = { "content-type": "text/plain", "content-length": "0" };
    expect(await read(createBook, post, { headers })).toEqual({});
  });
});

describe("compressed bodies", () => {
  const post = rule("POST", "/v1/x", { body: "book" });

  test("are read, and count with what they are after decompression", async () => {
    const body = gzipSync(JSON.stringify({ title: "x".repeat(1_000) }));
    const headers = { "content-encoding": "gzip" };
    expect(await read(createBook, post, { body, headers })).toMatchObject({ book: { title: "x".repeat(1_000) } });
    const [code, message] = await refused(read(createBook, post, { body, headers, readMaxBytes: 500 }));
    expect([code, message]).toEqual([Code.ResourceExhausted, expect.stringContaining("500")]);
  });

  test("in an unknown way are refused with 415", async () => {
    const [status, message] = await refused(read(createBook, post, { body: "{}", headers: { "content-encoding": "rot13" } }));
    expect([status, message]).toEqual([415, expect.stringContaining("rot13")]);
  });

  test("that are damaged are refused", async () => {
    const headers = { "content-encoding": "gzip" };
    expect((await refused(read(createBook, post, { body: "{}", headers })))[0]).toBe(Code.InvalidArgument);
  });
});

test("a body of more than readMaxBytes is refused, whether it says so or not", async () => {
  const post = rule("POST", "/v1/x", { body: "book" });
  for (const headers of [{}, { "content-length": "1002" }]) {
    const [code] = await refused(read(createBook, post, { body: `"${"x".repeat(1_000)}"`, headers, readMaxBytes: 1_001 }));
    expect(code).toBe(Code.ResourceExhausted);
  }
});

describe("a google.api.HttpBody", () => {
  const put = rule("PUT", "/v1/{path=**}", { body: "content" });

  test("takes the body as it is", async () => {
    const given = { target: "/v1/a/b?overwrite=true", body: new Uint8Array([0, 255]), headers: { "content-type": "image/png; x=y" } };
    expect(await read(putFile, put, given)).toEqual({
      path: "a/b",
      content: { contentType: "image/png; x=y", data: "AP8=" },
      overwrite: true,
    });
  });

  test("can be the whole request, when the rule's body is everything", async () => {
    const upload: DescMethod = { ...putFile, input: HttpBodySchema };
    const given = { target: "/v1/x?path=ignored", body: '{"not": "JSON', headers: { "content-type": "application/json" } };
    expect(await read(upload, rule("POST", "/v1/x", { body: "*" }), given)).toEqual({
      contentType: "application/json",
      data: Buffer.from(given.body).toString("base64"),
    });
    expect(await read(upload, rule("POST", "/v1/x", { body: "*" }), {})).toEqual({});
  });

  test("counts with what it is after decompression", async () => {
    const given = { target: "/v1/a", body: gzipSync("x".repeat(1_000)), headers: { "content-encoding": "gzip", "content-type": "a/b" } };
    expect(await read(putFile, put, given)).toMatchObject({ content: { data: Buffer.from("x".repeat(1_000)).toString("base64") } });
    expect((await refused(read(putFile, put, { ...given, readMaxBytes: 500 })))[0]).toBe(Code.ResourceExhausted);
  });

  test("is unset without content and content type", async () => {
    expect(await read(putFile, put, { target: "/v1/a" })).toEqual({ path: "a" });
    expect(await read(putFile, put, { target: "/v1/a", headers: { "content-type": "a/b" } })).toEqual({ path: "a", content: { contentType: "a/b" } });
  });
});

describe("a client stream", () => {
  const lines = rule("POST", "/v1/{parent=shelves/*}/books:import", { body: "*" });
  const target = "/v1/shelves/1/books:import";

  test("is a message a line, however it is cut; path and query belong to the first", async () => {
    const text = '{"book": {"title": "é"}}\n\n  {"parent": "x"}\r\n{}';
    const expected = [{ parent: "shelves/1", book: { title: "é" } }, { parent: "x" }, {}];
    expect(await stream(importBooks, lines, { target }, text)).toEqual(expected);
    const bytes = bytesOf(text);
    const single = [...bytes].map((_, at) => bytes.subarray(at, at + 1));
    const messages = await all(
      reader(importBooks, lines, {}).stream({ target, header: new Headers(), body: streamOf(...single) }),
    );
    const { input }: DescMethod = importBooks;
    expect(messages.map((message) => toJson(input, message))).toEqual(expected);
  });

  test("is empty without lines", async () => {
    expect(await stream(importBooks, lines, { target }, "\n", " \n")).toEqual([]);
  });

  test("can be lines of a field", async () => {
    const books = rule("POST", "/v1/x", { body: "book" });
    expect(await stream(importBooks, books, { target: "/v1/x?parent=p" }, '{"title": "a"}\nnull\n{}\n')).toEqual([
      { parent: "p", book: { title: "a" } },
      {},
      { book: {} },
    ]);
  });

  test.each(["application/x-ndjson", "application/jsonl", "application/json", "application/ndjson; charset=utf-8"])("takes %s", async (type) => {
    expect(await stream(importBooks, lines, { target, headers: { "content-type": type } }, "{}")).toHaveLength(1);
  });

  test("refuses another content type with 415, before it reads", async () => {
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        throw new Error("it was read");
      },
    };
    const header = new Headers({ "content-type": "text/plain" });
    const open = async (): Promise<unknown> => reader(importBooks, lines, {}).stream({ target, header, body });
    expect(await refused(open())).toEqual([415, expect.stringContaining("application/x-ndjson")]);
  });

  test("refuses a path or a query that is wrong, before it reads", async () => {
    const books = rule("POST", "/v1/x", { body: "book" });
    expect((await failure(stream(importBooks, books, { target: "/v1/x?nope=1" }))).code).toBe(Code.InvalidArgument);
  });

  test("ends at a line that is wrong, not UTF-8 or too long", async () => {
    expect((await failure(stream(importBooks, lines, { target }, "{}\n{]\n"))).code).toBe(Code.InvalidArgument);
    const body = streamOf(new Uint8Array([0x7b, 0xff, 0x7d]));
    const messages = reader(importBooks, lines, {}).stream({ target, header: new Headers(), body });
    expect((await failure(all(messages))).rawMessage).toContain("not UTF-8");
    const long = stream(importBooks, lines, { target, readMaxBytes: 20 }, "{}\n", "{}".padEnd(15), "x".repeat(10));
    expect((await failure(long)).code).toBe(Code.ResourceExhausted);
  });

  test("has a limit for each line, and none for all of them", async () => {
    const many = Array.from({ length: 50 }, () => '{"parent": "p"}\n');
    expect(await stream(importBooks, lines, { target, readMaxBytes: 20 }, ...many)).toHaveLength(50);
    expect(await stream(importBooks, lines, { target, readMaxBytes: 20 }, many.join(""))).toHaveLength(50);
  });

  test("may be compressed as a whole", async () => {
    const header = new Headers({ "content-encoding": "gzip" });
    const body = streamOf(gzipSync("{}\n{}\n"));
    expect(await all(reader(importBooks, lines, {}).stream({ target, header, body }))).toHaveLength(2);
    const damaged = reader(importBooks, lines, {}).stream({ target, header, body: streamOf(bytesOf("{}\n")) });
    expect((await failure(all(damaged))).rawMessage).toContain("cannot be decompressed");
  });

  test("of raw content is a message a chunk, and one when there is none", async () => {
    const write = rule("POST", "/v1/{path=**}:write", { body: "content" });
    const headers = { "content-type": "image/png" };
    expect(await stream(writeFile, write, { target: "/v1/a:write", headers }, "ab", "c")).toEqual([
      { path: "a", content: { contentType: "image/png", data: "YWI=" } },
      { content: { data: "Yw==" } },
    ]);
    expect(await stream(writeFile, write, { target: "/v1/a:write" })).toEqual([{ path: "a" }]);
  });
});

describe("the update mask of a PATCH", () => {
  const patch = rule("PATCH", "/v1/{book.name=books/*}", { body: "book" });
  const rest = { fillUpdateMask: true };
  const body = '{"title": "x", "author": {"givenName": "y", "address": {}}, "tags": [], "translations": {"a": "b"}, "rating": 1, "nope": 1}';
  const target = "/v1/books/7";

  test("is filled from the body on demand, down to leaves", async () => {
    expect(await read(updateBook, patch, { target, body, rest })).toMatchObject({
      updateMask: "title,author.givenName,author.address,tags,translations,rating",
    });
  });

  test("stays empty by default, and as the query has it", async () => {
    expect(await read(updateBook, patch, { target, body })).not.toHaveProperty("updateMask");
    expect(await read(updateBook, patch, { target: `${target}?update_mask=tags`, body, rest })).toMatchObject({ updateMask: "tags" });
  });

  test("is not filled for other methods, other bodies or an empty body", async () => {
    const put = rule("PUT", "/v1/{book.name=books/*}", { body: "book" });
    expect(await read(updateBook, put, { target, body, rest })).not.toHaveProperty("updateMask");
    const whole = rule("PATCH", "/v1/{book.name=books/*}", { body: "*" });
    expect(await read(updateBook, whole, { target, body: "{}", rest })).not.toHaveProperty("updateMask");
    expect(await read(updateBook, patch, { target, rest })).not.toHaveProperty("updateMask");
  });
});
