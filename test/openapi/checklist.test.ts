import { beforeAll, describe, expect, test } from "vitest";
import { BenchService } from "../../gen/bench/v1/bench_pb.ts";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { LibraryService } from "../../gen/library/v1/library_pb.ts";
import { ValidatedService } from "../../gen/validated/v1/validated_pb.ts";
import type { OpenApiDocument } from "../../src/openapi/model.ts";
import { openapi } from "../../src/openapi/openapi.ts";
import { contracts, operation, propertyOf, schemaOf, service } from "./check.ts";
import { cornersImage } from "./compile.ts";

const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: object): object => ({ "application/json": { schema } });

let document: OpenApiDocument;
/** With fields that are never null. */
let strict: OpenApiDocument;

beforeAll(async () => {
  const corners = service(contracts(await cornersImage()), "corners.v1.CornersService");
  const services = [LibraryService, GreetService, ValidatedService, BenchService, corners];
  document = openapi(services, { connect: true, connectTypes: ["json", "msgpack"] });
  strict = openapi(services, { nullable: false });
});

/** What is looked at, and what it should be. */
type Row = readonly [what: string, look: () => unknown, wanted: unknown];

const library = (name: string): ReturnType<typeof operation> => operation(document, `LibraryService_${name}`);
const corner = (name: string): ReturnType<typeof operation> => operation(document, `CornersService_${name}`);
const wellKnown = (name: string): unknown => propertyOf(document, "corners.v1.WellKnown", name);
const names = (id: string, place: string): readonly string[] =>
  (operation(document, id).parameters ?? []).filter((one) => one.in === place).map(({ name }) => name);
const body = (id: string): unknown => operation(document, id).requestBody;
const answer = (id: string): unknown => operation(document, id).responses["200"]?.content;

const operations: readonly Row[] = [
  ["an id of service and method", () => library("ListShelves").operationId, "LibraryService_ListShelves"],
  ["a suffix for additional bindings", () => library("GetBook_1").operationId, "LibraryService_GetBook_1"],
  ["a tag of the service", () => library("GetBook").tags, ["LibraryService"]],
  ["no tag for a service without operations", () => strict.tags.some(({ name }) => name === "BenchService"), false],
  ["a summary without a comment", () => openapi([LibraryService]).paths["/v1/shelves"]?.get?.summary, "List shelves"],
  ["deprecated", () => [corner("Anything_1").deprecated, corner("Wild").deprecated], [true, undefined]],
  ["any HTTP method, but not where one is named", () => Object.keys(document.paths["/v1/anything"] ?? {}), ["get", "put", "post", "delete", "patch"]],
  ["any HTTP method with a body", () => Object.keys(document.paths["/v1/anything/body"] ?? {}), ["put", "post", "patch"]],
  ["an HTTP method that OpenAPI 3.1 does not know", () => Object.keys(document.paths["/v1/odd"]?.["x-additionalOperations"] ?? {}), ["LIST"]],
  ["HEAD, whose answers have no body", () => library("CheckBook").responses, { 200: { description: "Success." }, default: { description: "An error. Its HTTP status follows from its code." } }],
  ["Connect: POST with the formats of the server", () => operation(document, "GreetService_Greet_Connect").requestBody, {
    required: true,
    content: { ...json(ref("greet.v1.GreetRequest")), "application/msgpack": { schema: ref("greet.v1.GreetRequest") } },
  }],
  ["Connect: GET without side effects", () => names("GreetService_Greet_ConnectGet", "query"), ["message", "encoding", "base64", "connect"]],
  ["Connect: no GET otherwise", () => Object.keys(document.paths["/library.v1.LibraryService/CreateBook"] ?? {}), ["post"]],
  ["Connect: streams", () => Object.keys(operation(document, "GreetService_Chat_Connect").requestBody?.content ?? {}), ["application/connect+json", "application/connect+msgpack"]],
  ["Connect: errors", () => operation(document, "GreetService_Greet_Connect").responses["default"]?.content, json(ref("connect.Error"))],
  ["no Connect unless asked for", () => Object.keys(openapi([GreetService]).paths), ["/v1/greet/{name}"]],
];

const paths: readonly Row[] = [
  ["a parameter for each wildcard", () => names("LibraryService_GetBook", "path"), ["name", "name_1"]],
  ["literals of variables in the path", () => document.paths["/v1/shelves/{name}/books/{name_1}"]?.get?.operationId, "LibraryService_GetBook"],
  ["a verb", () => document.paths["/v1/shelves/{name}/books/{name_1}:archive"]?.post?.operationId, "LibraryService_ArchiveBook"],
  ["a verb after **", () => document.paths["/v1/files/{path}:read"]?.get?.operationId, "LibraryService_ReadFile"],
  ["** with the rule as it is", () => [library("GetFile").parameters?.[0]?.description, library("GetFile")["x-google-http-rule"]], [
    "May hold several segments with slashes, which are not escaped.",
    { get: "/v1/files/{path=**}" },
  ]],
  ["the rule with body and answer", () => library("UpdateBook")["x-google-http-rule"], { patch: "/v1/{book.name=shelves/*/books/*}", body: "book", responseBody: "book" }],
  ["no rule where the path says it all", () => library("ListShelves")["x-google-http-rule"], undefined],
  ["the rule of any HTTP method", () => corner("Anything_put")["x-google-http-rule"], { custom: { kind: "*", path: "/v1/anything" } }],
  ["one path for paths that differ in names", () => Object.keys(document.paths["/v1/shelves/{name}/books/{name_1}"] ?? {}), ["get", "delete", "head", "patch"]],
  ["what a renamed parameter is", () => [names("LibraryService_UpdateBook", "path"), library("UpdateBook").parameters?.[1]?.description], [
    ["name", "name_1"],
    "A part of `book.name`, which is `shelves/*/books/*`.",
  ]],
  ["collisions are told", () => document["x-left-out"], [
    '"GET /v1/same/{text=**}" of corners.v1.CornersService.GetAll is not shown: OpenAPI cannot tell it from "GET /v1/same/{id}" of corners.v1.CornersService.GetOne.',
  ]],
  ["nothing is told when nothing is left out", () => openapi([LibraryService])["x-left-out"], undefined],
  ["wildcards outside of variables, and escapes", () => document.paths["/v1/{segment}/wild/{id}/%7Bx%7D/{segment_1}"]?.get?.operationId, "CornersService_Wild"],
  ["the type of a variable", () => corner("Wild").parameters?.[1]?.schema, { type: "string", format: "int64" }],
];

const parameters: readonly Row[] = [
  ["fields that neither path nor body binds", () => names("LibraryService_CreateBook", "query"), ["bookId"]],
  ["nested fields, but no message inside of itself", () => names("LibraryService_SearchBooks", "query").filter((name) => /^(like\.(author|isbn)|within|byD)/.test(name)), [
    "like.author.givenName", "like.author.familyName", "like.author.address.city", "like.author.address.country", "like.isbn", "byDistanceFrom.city", "byDistanceFrom.country",
  ]],
  ["no maps, no repeated messages", () => names("LibraryService_SearchBooks", "query").filter((name) => /^(copies|translations)/.test(name)), []],
  ["nothing that is output only", () => names("LibraryService_SearchBooks", "query").filter((name) => /^like\.(name|added)/.test(name)), []],
  ["no query with a body of *", () => names("LibraryService_SearchBooks_1", "query"), []],
  ["lists", () => library("SearchBooks").parameters?.find(({ name }) => name === "genres"), {
    name: "genres", in: "query", style: "form", explode: true, schema: { type: "array", items: ref("library.v1.Genre") },
  }],
  ["repeated durations", () => corner("Follow").parameters?.find(({ name }) => name === "pauses")?.schema?.items, {
    type: "string", format: "google-duration", pattern: String.raw`^-?\d+(\.\d{1,9})?s$`,
  }],
  ["wrappers as what they hold", () => library("SearchBooks").parameters?.find(({ name }) => name === "maxCopies")?.schema, { type: "string", format: "int64" }],
  ["required ones", () => corner("Follow").parameters?.filter(({ required }) => required).map(({ name }) => name), ["text"]],
  ["required only when the message around is", () => corner("Replace").parameters?.filter(({ required }) => required).map(({ name }) => name), ["filter.text"]],
  ["deprecated ones", () => corner("Follow").parameters?.find(({ name }) => name === "old")?.deprecated, true],
  ["rules", () => corner("Follow").parameters?.find(({ name }) => name === "page")?.schema, { type: "integer", format: "uint32", minimum: 1, maximum: 100 }],
  ["no other member of a oneof that the path sets", () => names("CornersService_ByChoice", "query").filter((name) => /left|right/.test(name)), []],
];

const bodies: readonly Row[] = [
  ["a field", () => body("LibraryService_CreateBook"), { required: true, content: json(ref("library.v1.Book")) }],
  ["a list", () => body("LibraryService_SetTags"), { content: json({ type: "array", items: { type: "string" } }) }],
  ["a whole message", () => body("LibraryService_SearchBooks_1"), { content: json(ref("library.v1.SearchBooksRequest")) }],
  ["* without what the path binds", () => body("LibraryService_ArchiveBook"), {
    content: json({ type: "object", properties: { reason: { type: "string" }, keep: { type: "string", format: "google-duration", pattern: String.raw`^-?\d+(\.\d{1,9})?s$` } } }),
  }],
  ["* without what the path binds inside of a field", () => body("CornersService_Nested"), {
    content: json({
      type: "object",
      required: ["filter"],
      properties: {
        filter: expect.objectContaining({ properties: expect.not.objectContaining({ id: expect.anything() }), required: ["text"] }),
        tree: expect.objectContaining({ properties: expect.not.objectContaining({ name: expect.anything() }) }),
        note: { type: "string" },
      },
    }),
  }],
  ["a PATCH, in which nothing is required", () => JSON.stringify(body("CornersService_Replace")).includes("required"), false],
  ["raw content", () => body("LibraryService_PutFile"), { content: { "*/*": { schema: { type: "string", format: "binary" } } } }],
  ["a stream of messages", () => body("LibraryService_ImportBooks"), { content: { "application/x-ndjson": { schema: ref("library.v1.ImportBooksRequest") } } }],
  ["none for GET", () => body("LibraryService_GetBook"), undefined],
];

const answers: readonly Row[] = [
  ["a message", () => answer("LibraryService_ListBooks"), json(ref("library.v1.ListBooksResponse"))],
  ["a field of it", () => answer("LibraryService_GetBook"), json(ref("library.v1.Book"))],
  ["a list", () => answer("LibraryService_ListShelves"), json({ type: "array", items: ref("library.v1.Shelf") })],
  ["raw content", () => answer("LibraryService_GetFile"), { "*/*": { schema: { type: "string", format: "binary" } } }],
  ["a stream of raw content", () => answer("LibraryService_ReadFile"), { "*/*": { schema: { type: "string", format: "binary" } } }],
  ["a stream of messages", () => answer("LibraryService_WatchBooks"), {
    "application/x-ndjson": { schema: { description: expect.any(String), oneOf: [
      { type: "object", properties: { result: ref("library.v1.WatchBooksResponse") }, required: ["result"] },
      { type: "object", properties: { error: ref("google.rpc.Status") }, required: ["error"] },
    ] } },
    "text/event-stream": { schema: { description: expect.any(String), anyOf: [ref("library.v1.WatchBooksResponse"), ref("google.rpc.Status")] } },
  }],
  ["an error", () => library("GetBook").responses["default"]?.content, json(ref("google.rpc.Status"))],
  ["nothing", () => answer("CornersService_Wild"), json({ type: "object" })],
];

const schemas: readonly Row[] = [
  ["full names", () => Object.keys(document.components.schemas).includes("library.v1.Book"), true],
  ["messages inside of themselves", () => propertyOf(document, "corners.v1.Tree", "children"), { type: "array", items: ref("corners.v1.Tree") }],
  ["64 bits as text", () => [wellKnown("fixed"), propertyOf(document, "library.v1.Copy", "number")], [{ type: "string", format: "int64" }, { type: "string", format: "uint64" }]],
  ["32 bits as numbers", () => [propertyOf(document, "library.v1.Book", "pages"), wellKnown("small")], [{ type: "integer", format: "int32" }, { type: "integer", format: "uint32", minimum: 0 }]],
  ["bytes", () => wellKnown("plainBytes"), { type: "string", contentEncoding: "base64" }],
  ["floats with what is no number", () => wellKnown("float"), { anyOf: [{ type: "number", format: "float" }, { type: "string", enum: ["NaN", "Infinity", "-Infinity"] }] }],
  ["enums by name, also other names", () => schemaOf(document, "corners.v1.Color").enum, ["COLOR_UNSPECIFIED", "COLOR_RED", "COLOR_CRIMSON", "COLOR_BLUE"]],
  ["maps", () => propertyOf(document, "library.v1.Book", "translations"), { type: "object", additionalProperties: { type: "string" } }],
  ["maps by numbers", () => wellKnown("byInt"), { type: "object", propertyNames: { type: "string", pattern: String.raw`^-?\d+$` }, additionalProperties: { type: "string" } }],
  ["maps by long numbers", () => wellKnown("byLong"), { type: "object", propertyNames: { type: "string", pattern: String.raw`^\d+$` }, additionalProperties: ref("corners.v1.Tree") }],
  ["maps by bool", () => wellKnown("byBool"), { type: "object", propertyNames: { type: "string", enum: ["true", "false"] }, additionalProperties: ref("corners.v1.Color") }],
  ["Timestamp", () => wellKnown("timestamp"), { type: "string", format: "date-time" }],
  ["FieldMask", () => wellKnown("mask"), { type: "string", format: "google-fieldmask" }],
  ["Struct, Value, ListValue, NullValue", () => ["struct", "value", "list", "null"].map(wellKnown), [{ type: "object", additionalProperties: true }, {}, { type: "array", items: {} }, { type: "null" }]],
  ["Any", () => wellKnown("any"), { type: "object", properties: { "@type": { type: "string", description: expect.any(String) } }, additionalProperties: true }],
  ["Empty", () => wellKnown("empty"), { type: "object" }],
  ["wrappers", () => ["bool", "long", "bytes", "double"].map(wellKnown), [
    { type: ["boolean", "null"] },
    { type: ["string", "null"], format: "int64" },
    { type: ["string", "null"], contentEncoding: "base64" },
    { anyOf: [{ type: "number", format: "double" }, { type: "string", enum: ["NaN", "Infinity", "-Infinity"] }, { type: "null" }] },
  ]],
  ["optional fields", () => ["maybe", "maybeColor"].map(wellKnown), [{ type: ["string", "null"] }, { anyOf: [ref("corners.v1.Color"), { type: "null" }] }]],
  ["no null when that is off", () => ["maybe", "maybeColor", "bool"].map((name) => propertyOf(strict, "corners.v1.WellKnown", name)), [{ type: "string" }, ref("corners.v1.Color"), { type: "boolean" }]],
  ["no null in a oneof", () => wellKnown("b"), { type: "string" }],
  ["names of their own in JSON", () => [wellKnown("another-Name"), wellKnown("__proto__")], [{ type: "string" }, { type: "string" }]],
  ["a oneof: none or one", () => schemaOf(document, "library.v1.Book").oneOf, [
    { required: ["cents"] }, { required: ["priceless"] }, { not: { anyOf: [{ required: ["cents"] }, { required: ["priceless"] }] } },
  ]],
  ["several oneofs", () => schemaOf(document, "corners.v1.WellKnown").allOf?.length, 2],
  ["a required oneof: one", () => schemaOf(document, "validated.v1.RegisterRequest").oneOf, [{ required: ["phone"] }, { required: ["address"] }]],
  ["required", () => [schemaOf(document, "library.v1.Shelf").required, schemaOf(document, "validated.v1.RegisterRequest").required], [["title"], ["person"]]],
  ["required by proto2", () => schemaOf(document, "corners.legacy.Old"), {
    type: "object",
    description: "What proto2 has and proto3 has not.",
    properties: { name: { type: "string" }, count: { type: ["integer", "null"], format: "int32" }, inner: ref("corners.legacy.Old.Inner") },
    required: ["name"],
  }],
  ["read only", () => propertyOf(document, "library.v1.Book", "name"), { type: "string", readOnly: true }],
  ["write only", () => propertyOf(document, "corners.v1.Tree", "secret"), { type: "string", writeOnly: true }],
  ["immutable", () => propertyOf(document, "corners.v1.Tree", "kind").description, "Cannot be changed once it is set."],
  ["a rule in CEL, which the contract predefines", () => propertyOf(document, "validated.v1.Person", "slug"), {
    type: "string",
    description: "Rule: must be lower-case words joined by hyphens.",
    "x-cel": [{ id: "string.slug", message: "must be lower-case words joined by hyphens", expression: expect.stringContaining("this.matches") }],
  }],
  ["a rule in CEL for a message", () => [schemaOf(document, "validated.v1.Person").description, schemaOf(document, "validated.v1.Person")["x-cel"]], [
    "Rule: nickname must differ from name.",
    [{ id: "person.nickname", message: "nickname must differ from name", expression: "this.nickname != this.name" }],
  ]],
];

describe.each<[string, readonly Row[]]>([
  ["operations", operations],
  ["paths", paths],
  ["parameters", parameters],
  ["bodies", bodies],
  ["answers", answers],
  ["schemas", schemas],
])("the document shows %s", (_name, rows) => {
  test.each(rows)("%s", (_what, look, wanted) => {
    expect(look()).toEqual(wanted);
  });
});

test("the document has unique operation ids", () => {
  const ids = JSON.stringify(document).match(/"operationId":"[^"]+"/g) ?? [];
  expect(ids.length).toBeGreaterThan(50);
  expect(new Set(ids).size).toBe(ids.length);
});
