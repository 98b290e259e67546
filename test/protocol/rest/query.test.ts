import { create, toJson } from "@bufbuild/protobuf";
import type { DescMethod, JsonValue } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { LibraryService } from "../../../gen/library/v1/library_pb.ts";
import { BadRequestSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { queryBinder } from "../../../src/protocol/rest/query.ts";
import type { UnknownQuery } from "../../../src/protocol/rest/query.ts";
import { writeQuery } from "../../../src/protocol/rest/query-writer.ts";
import { bindingOf, rule } from "../../support/rest-rule.ts";
import type { Rule } from "../../support/rest-rule.ts";

const { searchBooks, createBook, updateBook, getBook } = LibraryService.method;
const search = rule("GET", "/v1/books:search");

function bound(method: DescMethod, init: Rule, query: string, unknown: UnknownQuery = "refuse"): JsonValue {
  const message = create(method.input);
  queryBinder(bindingOf(method, init), unknown)(message, query);
  return toJson(method.input, message);
}

function refusal(method: DescMethod, init: Rule, query: string): ConnectError {
  try {
    bound(method, init, query);
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error(`${query} was not refused`);
}

describe("query parameters", () => {
  test.each<readonly [string, string, JsonValue]>([
    ["nothing", "", {}],
    ["nothing between separators", "&&", {}],
    ["a string", "text=a%20b%26c", { text: "a b&c" }],
    ["a plus as a space", "text=a+b%2Bc", { text: "a b+c" }],
    ["everything after the first =", "text=a=b", { text: "a=b" }],
    ["no value as an empty one", "author", { author: "" }],
    ["UTF-8", "text=%C3%A9%F0%9F%93%9Aé", { text: "é📚é" }],
    ["both spellings", "max_cents=5&minPages=6", { maxCents: "5", minPages: 6 }],
    ["both spellings of a json_name", "like.author.address.country=de", { like: { author: { address: { country: "de" } } } }],
    ["the proto name beside a json_name", "like.author.address.country_code=de", { like: { author: { address: { country: "de" } } } }],
    ["encoded names", "%74e%78t=a&like%2Etitle=b", { text: "a", like: { title: "b" } }],
    ["a field that is set to its default", "min_pages=0", { minPages: 0 }],
    ["64 bits exactly", "max_cents=-9223372036854775808&copy_number=18446744073709551615", { maxCents: "-9223372036854775808", copyNumber: "18446744073709551615" }],
    ["fractions and exponents", "min_rating=-1.5e-3&max_rating=2.5&min_pages=1e2", { minRating: -0.0015, maxRating: 2.5, minPages: 100 }],
    ["what is no number", "min_rating=NaN&max_rating=-Infinity", { minRating: "NaN", maxRating: "-Infinity" }],
    ["infinity", "min_rating=Infinity", { minRating: "Infinity" }],
    ["bool", "by_title=true", { byTitle: true }],
    ["an enum by name and by number", "genres=GENRE_FICTION&genres=2", { genres: ["GENRE_FICTION", "GENRE_SCIENCE"] }],
    ["an enum number that is not known", "genres=77", { genres: [77] }],
    ["lists in their order", "tags=b&text=x&tags=a&tags=b", { text: "x", tags: ["b", "a", "b"] }],
    ["commas as they are", "tags=a,b", { tags: ["a,b"] }],
    ["lists of numbers", "best_pages=-1&bestPages=2&except_copies=18446744073709551615", { bestPages: [-1, 2], exceptCopies: ["18446744073709551615"] }],
    ["lists of timestamps", "visits=2026-01-02T03:04:05Z&visits=1970-01-01T00:00:00Z", { visits: ["2026-01-02T03:04:05Z", "1970-01-01T00:00:00Z"] }],
    ["bytes in base64", "page_token=%2B%2F8%3D", { pageToken: "+/8=" }],
    ["bytes in base64url without padding", "page_token=-_8", { pageToken: "+/8=" }],
    ["bytes with a plus that nobody escaped", "page_token=+/8=", { pageToken: "+/8=" }],
    ["wrappers", "archived=false&max_copies=0&author=", { archived: false, maxCopies: "0", author: "" }],
    ["a wrapper below a message", "like.rating=0", { like: { rating: 0 } }],
    ["a timestamp", "added_after=2026-01-02T03:04:05.678%2B01:00", { addedAfter: "2026-01-02T02:04:05.678Z" }],
    ["a duration", "max_age=-1.5s", { maxAge: "-1.500s" }],
    ["a field mask in both spellings", "read_mask=author.given_name,author.familyName,tags", { readMask: "author.givenName,author.familyName,tags" }],
    ["an empty field mask", "read_mask=", { readMask: "" }],
    ["nested messages, one by one", "like.title=a&like.author.given_name=b&like.author.familyName=c", { like: { title: "a", author: { givenName: "b", familyName: "c" } } }],
    ["recursive messages", "within.within.text=x&within.tags=y&text=z", { text: "z", within: { tags: ["y"], within: { text: "x" } } }],
    ["a message in a oneof", "by_distance_from.city=Ulm&byDistanceFrom.country=de", { byDistanceFrom: { city: "Ulm", country: "de" } }],
    ["members of the same oneof at different places", "like.cents=1&within.like.priceless=x", { like: { cents: "1" }, within: { like: { priceless: "x" } } }],
  ])("read %s", (_what, query, expected) => {
    expect(bound(searchBooks, search, query)).toEqual(expected);
  });

  test.each<readonly [string, string, string, string]>([
    ["a singular field twice", "text=a&text=a", "text", "it is there twice"],
    ["a singular field in both spellings", "min_pages=1&minPages=1", "minPages", "it is there twice"],
    ["a nested field twice", "like.title=a&like.title=b", "like.title", "it is there twice"],
    ["a wrapper twice", "archived=true&archived=true", "archived", "it is there twice"],
    ["a field mask twice", "read_mask=a&read_mask=b", "read_mask", "it is there twice"],
    ["two members of a oneof", "by_title=true&by_age_from=2026-01-02T03:04:05Z", "by_age_from", "by_title is set too"],
    ["two members of a oneof, one nested", "by_distance_from.city=x&by_title=true", "by_title", "by_distance_from is set too"],
    ["two members of a nested oneof", "like.cents=1&like.priceless=x", "like.priceless", "cents is set too"],
    ["an unknown name", "nope=1", "nope", 'no field "nope"'],
    ["an unknown nested name", "like.nope=1", "like.nope", 'library.v1.Book has no field "nope"'],
    ["a name below a scalar", "text.x=1", "text.x", "text has no fields"],
    ["a name below a timestamp", "added_after.seconds=1", "added_after.seconds", "added_after has no fields"],
    ["a name below a list of messages", "copies.number=1", "copies.number", "it repeats messages"],
    ["a name below a map", "translations.de=1", "translations.de", "it is a map"],
    ["a name below a list of texts", "tags.x=1", "tags.x", "tags has no fields"],
    ["a list of messages below a message", "within.copies.number=1", "within.copies.number", "it repeats messages"],
    ["an empty name", "=x", "", 'no field ""'],
    ["an empty part of a name", "like..title=x", "like..title", 'no field ""'],
    ["a message as a whole", "like=x", "like", "it is a message"],
    ["a repeated message", "copies=x", "copies", "it repeats messages"],
    ["a map", "translations=x", "translations", "it is a map"],
    ["an entry of a map", "translations[de]=x", "translations[de]", "no field"],
    ["__proto__", "__proto__=x", "__proto__", "no field"],
    ["constructor.prototype", "constructor.prototype.polluted=x", "constructor.prototype.polluted", "no field"],
    ["__proto__ below a message", "like.__proto__.title=x", "like.__proto__.title", "no field"],
    ["more levels than JSON has", `${"within.".repeat(150)}text=x`, `${"within.".repeat(150)}text`, "more than 100 levels"],
    ["an int that is none", "min_pages=1.5", "min_pages", 'cannot read "1.5" as int32'],
    ["a number without digits", "max_cents=", "max_cents", 'cannot read "" as int64'],
    ["a leading zero", "max_cents=007", "max_cents", "as int64"],
    ["hexadecimal", "min_rating=0x10", "min_rating", "as double"],
    ["a space around a number", "max_cents=+5", "max_cents", "as int64"],
    ["too large a number", "min_pages=2147483648", "min_pages", "as int32"],
    ["too large a float", "max_rating=1e39", "max_rating", "as float"],
    ["1 for a bool", "by_title=1", "by_title", "as bool"],
    ["t for a bool", "by_title=t", "by_title", "as bool"],
    ["an unknown enum name", "genres=GENRE_NONE", "genres", "as library.v1.Genre"],
    ["a duration without unit", "max_age=5", "max_age", "as google.protobuf.Duration"],
    ["a timestamp that is none", "visits=now", "visits", "as google.protobuf.Timestamp"],
    ["bytes that are not base64", "page_token=a*b", "page_token", "as bytes"],
    ["a malformed escape", "text=%zz", "text=%zz", "malformed"],
    ["a malformed escape in a name", "te%xt=a", "te%xt=a", "malformed"],
    ["bytes that are not UTF-8", "text=%ff", "text=%ff", "not UTF-8"],
  ])("refuse %s, and name it", (_what, query, field, why) => {
    const error = refusal(searchBooks, search, query);
    expect([error.code, error.rawMessage]).toEqual([Code.InvalidArgument, expect.stringContaining(why)]);
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).toBe(field);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("never reach what the path binds", () => {
    const path = rule("GET", "/v1/{name=books/*}");
    expect(refusal(getBook, path, "name=books/8").rawMessage).toContain("the path already sets name");
    expect(refusal(updateBook, rule("PATCH", "/v1/{book.name}"), "book.name=x").rawMessage).toContain("the path already sets name");
    expect(bound(updateBook, rule("PATCH", "/v1/{book.name}"), "book.title=x")).toEqual({ book: { title: "x" } });
  });

  test("never clear what the path binds through its oneof", () => {
    const path = rule("GET", "/v1/{by_title}");
    for (const query of ["by_age_from=2026-01-02T03:04:05Z", "by_distance_from.city=x"]) {
      expect(refusal(searchBooks, path, query).rawMessage).toContain("by_title is set too");
    }
    const nested = rule("GET", "/v1/{like.cents}");
    expect(refusal(searchBooks, nested, "like.priceless=x").rawMessage).toContain("cents is set too");
    expect(bound(searchBooks, nested, "within.like.priceless=x")).toEqual({ within: { like: { priceless: "x" } } });
  });

  test("never reach what the body binds, or its oneof", () => {
    const body = rule("POST", "/v1/books", { body: "book" });
    expect(bound(createBook, body, "book_id=7&parent=x")).toEqual({ bookId: "7", parent: "x" });
    expect(refusal(createBook, body, "book.title=x").rawMessage).toContain("the body already sets book");
    const member = rule("POST", "/v1/books", { body: "by_distance_from" });
    expect(refusal(searchBooks, member, "by_title=true").rawMessage).toContain("by_distance_from is set too");
  });

  test("are nobody's when the body is everything", () => {
    const all = rule("POST", "/v1/books", { body: "*" });
    expect(bound(createBook, all, "parent=x&nope=%zz&book_id=1&book_id=2")).toEqual({});
  });

  test("that are unknown can be let be, and leave nothing behind", () => {
    expect(bound(searchBooks, search, "utm_source=x&like.nope=1&text=a", "ignore")).toEqual({ text: "a" });
    expect(() => bound(searchBooks, search, "copies=x", "ignore")).toThrow("it repeats messages");
    expect(() => bound(searchBooks, search, "copies.number=1", "ignore")).toThrow("it repeats messages");
    expect(() => bound(getBook, rule("GET", "/v1/{name}"), "name=x", "ignore")).toThrow("the path already sets");
  });
});

describe("the query that a client writes", () => {
  test("has JSON names and everything that is set", () => {
    const message = create(searchBooks.input, {
      text: "a b&c=d+é",
      genres: [1, 2],
      minPages: 0,
      archived: false,
      like: { author: { address: { countryCode: "de" } } },
      order: { case: "byAgeFrom", value: { seconds: 0n } },
      readMask: { paths: ["author.given_name"] },
    });
    expect(writeQuery(searchBooks.input, toJson(searchBooks.input, message) as never)).toEqual({
      query: [
        "text=a%20b%26c%3Dd%2B%C3%A9",
        "genres=GENRE_FICTION&genres=GENRE_SCIENCE",
        "like.author.address.country=de",
        "minPages=0",
        "archived=false",
        "readMask=author.givenName",
        "byAgeFrom=1970-01-01T00%3A00%3A00Z",
      ].join("&"),
    });
  });

  test.each<readonly [string, Parameters<typeof create<typeof searchBooks.input>>[1], string]>([
    ["a map", { translations: { de: "x" } }, "translations is a map"],
    ["repeated messages", { copies: [{}] }, "copies has no place in a query"],
    ["a message that says only that it is there", { like: {} }, "like is empty"],
    ["such a message further down", { like: { author: {} } }, "like.author is empty"],
  ])("cannot have %s", (_what, init, why) => {
    const json = toJson(searchBooks.input, create(searchBooks.input, init));
    expect(writeQuery(searchBooks.input, json as never)).toContain(why);
  });
});
