import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { create } from "@bufbuild/protobuf";
import { AuthorSchema, Genre, LibraryService } from "../../gen/library/v1/library_pb.ts";
import { component, implement } from "../../src/index.ts";
import type { Json, OpenApiDocument, Schema } from "../../src/openapi/model.ts";
import { addBook, library } from "../support/library.ts";
import type { Library } from "../support/library.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { mismatches, operation } from "./check.ts";
import type { Example } from "./check.ts";

let of: Library;
let server: StartedMesh;
let document: OpenApiDocument;

beforeAll(async () => {
  of = library();
  const books = component({ name: "library", services: [implement(LibraryService, of.implementation)] });
  server = await startMesh({ components: [books], openapi: { connect: true } });
  document = (await (await fetch(`${server.address}/openapi.json`)).json()) as OpenApiDocument;
});

afterAll(() => server.mesh.close());

beforeEach(() => {
  of.books.clear();
  of.files.clear();
  addBook(of, "shelves/1/books/1", {
    author: create(AuthorSchema, { givenName: "Ada", address: { city: "London", countryCode: "GB" } }),
    genre: Genre.SCIENCE,
    pages: 7,
    tags: ["a", "b"],
    copies: [{ $typeName: "library.v1.Copy", number: 2n ** 63n, lent: true }],
    translations: { de: "Eins" },
    added: { $typeName: "google.protobuf.Timestamp", seconds: 1n, nanos: 500_000_000 },
    rating: Number.NaN,
    price: { case: "cents", value: -(2n ** 60n) },
  });
  addBook(of, "shelves/1/books/2", { price: { case: "priceless", value: "gift" } });
  addBook(of, "shelves/broken/books/3");
});

/** Sends a request to a documented path. The names in the path stand for themselves. */
async function call(method: string, path: string, body?: Json, headers: Record<string, string> = {}) {
  const type: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  const response = await fetch(`${server.address}${path}`, {
    method,
    headers: { ...type, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, type: response.headers.get("content-type") ?? "", text: await response.text() };
}

/** The schema that the document has for an answer. */
function answerOf(id: string, status: number, type: string): Schema {
  const { responses } = operation(document, id);
  const schema = responses[status === 200 ? "200" : "default"]?.content?.[type]?.schema;
  if (schema === undefined) throw new Error(`${id} has no answer of the type ${type} for ${status}`);
  return schema;
}

async function expectMatches(examples: readonly Example[]): Promise<void> {
  expect(await mismatches(document, examples)).toEqual(new Map());
}

const newBook = { title: "New", cents: "5", rating: 4.5, genre: "GENRE_FICTION", author: { givenName: "A" } };

describe("answers of the running server match the document", () => {
  test.each<[id: string, status: number, method: string, path: string, body?: Json]>([
    ["ListShelves", 200, "GET", "/v1/shelves"],
    ["GetBook", 200, "GET", "/v1/shelves/1/books/1"],
    ["GetBook", 404, "GET", "/v1/shelves/1/books/none"],
    ["GetBook", 400, "GET", "/v1/shelves/1/books/1?nothing=1"],
    ["GetBook_1", 404, "GET", "/v1/isbn/none"],
    ["ListBooks", 200, "GET", "/v1/shelves/1/books?pageSize=1"],
    ["ListBooks_1", 200, "GET", "/v1/genres/GENRE_SCIENCE/books"],
    ["SearchBooks", 200, "GET", "/v1/books:search?genres=GENRE_FICTION&genres=2&like.author.address.country=GB"],
    ["SearchBooks_1", 200, "POST", "/v1/books:search", { text: "books", maxCents: "12", minRating: "NaN" }],
    ["CreateBook", 200, "POST", "/v1/shelves/1/books?bookId=new", newBook],
    ["UpdateBook", 200, "PATCH", "/v1/shelves/1/books/1?updateMask=title", { title: "Other" }],
    ["DeleteBook", 200, "DELETE", "/v1/shelves/1/books/1?mustExist=true"],
    ["ArchiveBook", 200, "POST", "/v1/shelves/1/books/1:archive", { reason: "old", keep: "1.5s" }],
    ["SetTags", 200, "PUT", "/v1/shelves/1/books/1/tags", ["z", "a"]],
    ["WatchBooks", 404, "GET", "/v1/shelves/none/books:watch"],
    ["CountBooks_Connect", 200, "POST", "/library.v1.LibraryService/CountBooks", {}],
    ["CountBooks_ConnectGet", 200, "GET", "/library.v1.LibraryService/CountBooks?message=%7B%7D&encoding=json&connect=v1"],
    ["GetBook_Connect", 404, "POST", "/library.v1.LibraryService/GetBook", { name: "none" }],
  ])("%s with %i", async (id, status, method, path, body) => {
    const answer = await call(method, path, body);
    expect(answer).toMatchObject({ status, type: "application/json" });
    const { requestBody } = operation(document, `LibraryService_${id}`);
    const asked = requestBody?.content["application/json"]?.schema;
    await expectMatches([
      { schema: answerOf(`LibraryService_${id}`, status, "application/json"), value: JSON.parse(answer.text) as Json },
      ...(asked === undefined || body === undefined ? [] : [{ schema: asked, value: body }]),
    ]);
  });

  test.each(["shelves/1", "shelves/broken"])("WatchBooks of %s, as lines and as events", async (shelf) => {
    const lines = await call("GET", `/v1/${shelf}/books:watch`);
    expect(lines).toMatchObject({ status: 200, type: "application/x-ndjson" });
    const line = answerOf("LibraryService_WatchBooks", 200, "application/x-ndjson");
    const events = await call("GET", `/v1/${shelf}/books:watch`, undefined, { accept: "text/event-stream" });
    expect(events).toMatchObject({ status: 200, type: "text/event-stream" });
    const event = answerOf("LibraryService_WatchBooks", 200, "text/event-stream");
    const examples = [
      ...lines.text.trim().split("\n").map((text): Example => ({ schema: line, value: JSON.parse(text) as Json })),
      ...Array.from(events.text.matchAll(/^data: (.*)$/gm), ([, text = ""]): Example => ({
        schema: event,
        value: JSON.parse(text) as Json,
      })),
    ];
    expect(examples).toHaveLength(4);
    await expectMatches(examples);
  });

  test("raw content of any type", async () => {
    const sent = { method: "PUT", headers: { "content-type": "image/png" }, body: "bytes" };
    const put = await fetch(`${server.address}/v1/files/covers/42.png`, sent);
    expect(put.status).toBe(200);
    await expectMatches([{ schema: answerOf("LibraryService_PutFile", 200, "application/json"), value: (await put.json()) as Json }]);
    const got = await call("GET", "/v1/files/covers/42.png");
    expect(got).toEqual({ status: 200, type: "image/png", text: "bytes" });
    expect(operation(document, "LibraryService_GetFile").responses["200"]?.content).toHaveProperty(["*/*"]);
  });

  test("HEAD without a body", async () => {
    expect(await call("HEAD", "/v1/shelves/1/books/1")).toMatchObject({ status: 200, text: "" });
    expect(await call("HEAD", "/v1/shelves/1/books/none")).toMatchObject({ status: 404, text: "" });
  });

  test("and the check would notice an answer that does not", async () => {
    const schema = answerOf("LibraryService_GetBook", 200, "application/json");
    const { text } = await call("GET", "/v1/shelves/1/books/1");
    const book = JSON.parse(text) as Record<string, Json>;
    for (const wrong of [{ pages: "7" }, { cents: 1 }, { genre: "NONE" }, { other: 1 }, { priceless: "too" }]) {
      expect((await mismatches(document, [{ schema, value: { ...book, ...wrong } }])).size, JSON.stringify(wrong)).toBe(1);
    }
  });
});
