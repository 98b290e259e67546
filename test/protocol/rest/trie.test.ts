import { describe, expect, test } from "vitest";
import { LibraryService } from "../../../gen/library/v1/library_pb.ts";
import { reasonOf } from "../../../src/index.ts";
import { RestTrie } from "../../../src/protocol/rest/trie.ts";
import { bindingOf, rule } from "../../support/rest-rule.ts";

const { getBook, watchBooks } = LibraryService.method;

/** A trie of rules such as `GET /v1/{name}`, each its own target. */
function trieOf(...rules: readonly string[]): RestTrie<string> {
  const trie = new RestTrie<string>();
  for (const text of rules) {
    const [method = "", path = ""] = text.split(" ");
    trie.add(bindingOf(getBook, rule(method, path)), text);
  }
  return trie;
}

/** The rule that a request such as `GET /v1/x` reaches; else the HTTP methods that its path takes, or undefined. */
function reach(trie: RestTrie<string>, request: string): string | undefined {
  const [method = "", path = ""] = request.split(" ");
  const match = trie.match(method, path);
  if (match === undefined) return undefined;
  return match.target === undefined ? `405 ${match.allow.join(",")}` : match.target;
}

describe("a request reaches", () => {
  test.each<readonly [string, readonly string[], Readonly<Record<string, string | undefined>>]>([
    [
      "the same literal and nothing else",
      ["GET /v1/books"],
      {
        "GET /v1/books": "GET /v1/books",
        "GET /v1/book": undefined,
        "GET /v1/Books": undefined,
        "GET /v1/books/": undefined,
        "GET /v1": undefined,
        "GET /": undefined,
        "GET //v1/books": undefined,
        "GET v1/books": undefined,
        "GET *": undefined,
        "GET http://host/v1/books": undefined,
      },
    ],
    [
      "a literal in any encoding",
      ["GET /v1/b%C3%A9%20x", "GET /v1/%40me"],
      {
        "GET /v1/b%c3%a9%20x": "GET /v1/b%C3%A9%20x",
        "GET /%761/%62%C3%A9%20x": "GET /v1/b%C3%A9%20x",
        "GET /v1/@me": "GET /v1/%40me",
        "GET /v1/%40me": "GET /v1/%40me",
        "GET /v1/b%C3%A9+x": undefined,
      },
    ],
    [
      "* with exactly one segment that is not empty",
      ["GET /v1/*/x"],
      {
        "GET /v1/a/x": "GET /v1/*/x",
        "GET /v1//x": undefined,
        "GET /v1/a/b/x": undefined,
        "GET /v1/a%2Fb/x": "GET /v1/*/x",
        "GET /v1/%zz/x": "GET /v1/*/x",
      },
    ],
    ["no variable with an empty segment", ["GET /v1/books/{name}"], { "GET /v1/books/": undefined, "GET /v1/books": undefined }],
    [
      "** with any number of segments, also none or empty ones",
      ["GET /v1/{name=**}"],
      {
        "GET /v1": "GET /v1/{name=**}",
        "GET /v1/": "GET /v1/{name=**}",
        "GET /v1/a": "GET /v1/{name=**}",
        "GET /v1/a//b/": "GET /v1/{name=**}",
        "GET /v2": undefined,
      },
    ],
    ["the root with **", ["GET /**"], { "GET /": "GET /**", "GET /a/b": "GET /**" }],
    [
      "a literal before * before **",
      ["GET /v1/**", "GET /v1/*", "GET /v1/a", "GET /v1/*/b", "GET /v1/a/*"],
      {
        "GET /v1/a": "GET /v1/a",
        "GET /v1/x": "GET /v1/*",
        "GET /v1/a/b": "GET /v1/a/*",
        "GET /v1/x/b": "GET /v1/*/b",
        "GET /v1/x/c": "GET /v1/**",
      },
    ],
    [
      "the wildcard when the literal leads nowhere",
      ["GET /v1/books/popular/list", "GET /v1/books/{name}", "GET /v1/*/{name}/x/y", "GET /v1/**"],
      {
        "GET /v1/books/popular": "GET /v1/books/{name}",
        "GET /v1/books/popular/list": "GET /v1/books/popular/list",
        "GET /v1/books/popular/x/y": "GET /v1/*/{name}/x/y",
        "GET /v1/books/popular/x/z": "GET /v1/**",
      },
    ],
    [
      "the wildcard when the literal takes other methods only",
      ["POST /v1/books/popular", "GET /v1/books/{name}", "DELETE /v1/**"],
      {
        "GET /v1/books/popular": "GET /v1/books/{name}",
        "POST /v1/books/popular": "POST /v1/books/popular",
        "DELETE /v1/books/popular": "DELETE /v1/**",
        "PUT /v1/books/popular": "405 DELETE,GET,HEAD,POST",
      },
    ],
    [
      "a named method before *",
      ["* /v1/x", "GET /v1/x"],
      { "GET /v1/x": "GET /v1/x", "POST /v1/x": "* /v1/x", "PURGE /v1/x": "* /v1/x", "HEAD /v1/x": "GET /v1/x" },
    ],
    [
      "GET with HEAD, unless HEAD has a rule",
      ["GET /v1/a", "GET /v1/b", "HEAD /v1/b"],
      { "HEAD /v1/a": "GET /v1/a", "HEAD /v1/b": "HEAD /v1/b", "POST /v1/a": "405 GET,HEAD" },
    ],
    [
      "a verb that exists, by the last colon of the last segment",
      ["POST /v1/{name=books/*}:archive", "GET /v1/{name=books/*}", "POST /v1/books:archive", "POST /v1/{name=files/**}:a%20b"],
      {
        "POST /v1/books/7:archive": "POST /v1/{name=books/*}:archive",
        "POST /v1/books/a:b:archive": "POST /v1/{name=books/*}:archive",
        "POST /v1/books:archive": "POST /v1/books:archive",
        "POST /v1/books/:archive": "405 GET,HEAD",
        "POST /v1/books:archive/7": undefined,
        "POST /v1/files:a%20b": "POST /v1/{name=files/**}:a%20b",
        "POST /v1/files/x/y:%61%20b": "POST /v1/{name=files/**}:a%20b",
        "GET /v1/books/7:archive": "405 POST",
      },
    ],
    [
      "no verb when it does not exist, is encoded, or is not for this path",
      ["POST /v1/{name=books/*}:archive", "GET /v1/{name=books/*}", "GET /v1/{name=shelves/*}"],
      {
        "GET /v1/books/a:b": "GET /v1/{name=books/*}",
        "GET /v1/books/7%3Aarchive": "GET /v1/{name=books/*}",
        "GET /v1/books/7:": "GET /v1/{name=books/*}",
        "GET /v1/shelves/7:archive": "GET /v1/{name=shelves/*}",
        "POST /v1/books/7": "405 GET,HEAD",
      },
    ],
  ])("%s", (_what, rules, requests) => {
    const trie = trieOf(...rules);
    const reached = Object.fromEntries(Object.keys(requests).map((request) => [request, reach(trie, request)]));
    expect(reached).toEqual(requests);
  });

  test("no stream with HEAD", () => {
    const trie = new RestTrie<string>();
    trie.add(bindingOf(watchBooks, rule("GET", "/v1/watch")), "watch");
    expect(reach(trie, "HEAD /v1/watch")).toBe("405 GET");
  });

  test("its rule within time that the rules bound, not the path", () => {
    const depth = 12;
    const all = Array.from({ length: depth }, (_, at) => [`GET /${"a/".repeat(at)}*/${"a/".repeat(depth)}x`]).flat();
    const trie = trieOf(...all);
    const before = performance.now();
    for (let turn = 0; turn < 100; turn++) expect(reach(trie, `GET ${"/a".repeat(4_000)}`)).toBeUndefined();
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});

describe("two rules with the same method and shape", () => {
  test.each([
    ["GET /v1/{name}/x", "GET /v1/{isbn}/x"],
    ["GET /v1/{name=books/*}", "GET /v1/books/{isbn}"],
    ["GET /v1/{name=**}", "GET /v1/**"],
    ["GET /v1/%61", "GET /v1/a"],
    ["* /v1/a:x", "* /v1/a:x"],
  ])("%s and %s are an error that names both", (one, other) => {
    const trie = trieOf(one);
    const [method = "", path = ""] = other.split(" ");
    const binding = bindingOf(LibraryService.method.checkBook, rule(method, path.replace("{isbn}", "{name}")));
    let thrown: unknown;
    try {
      trie.add(binding, other);
    } catch (error) {
      thrown = error;
    }
    expect(reasonOf(thrown)).toBe("INVALID_CONFIGURATION");
    expect(String(thrown)).toContain("LibraryService.GetBook and library.v1.LibraryService.CheckBook collide");
  });

  test.each([
    ["GET /v1/a", "POST /v1/a"],
    ["GET /v1/a", "GET /v1/a:x"],
    ["GET /v1/*", "GET /v1/**"],
    ["GET /v1/*", "* /v1/*"],
  ])("%s and %s are different", (one, other) => {
    expect(() => trieOf(one, other)).not.toThrow();
  });
});
