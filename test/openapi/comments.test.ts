import { create, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { beforeAll, describe, expect, test } from "vitest";
import { LibraryService } from "../../gen/library/v1/library_pb.ts";
import { reasonOf } from "../../src/index.ts";
import type { OpenApiDocument } from "../../src/openapi/model.ts";
import { openapi } from "../../src/openapi/openapi.ts";
import { prose, words } from "../../src/openapi/prose.ts";
import { contracts, operation, propertyOf, schemaOf, service } from "./check.ts";
import { cornersImage, ownImage } from "./compile.ts";

let image: Uint8Array;
let document: OpenApiDocument;
let corners: OpenApiDocument;

beforeAll(async () => {
  image = await ownImage();
  document = openapi([LibraryService], { image });
  corners = openapi([service(contracts(await cornersImage()), "corners.v1.CornersService")]);
});

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("comments of the contract", () => {
  test("come from an image", () => {
    expect(document.tags).toEqual([
      { name: "LibraryService", description: "LibraryService keeps shelves of books, and files." },
    ]);
    expect(operation(document, "LibraryService_CreateBook")).toMatchObject({
      summary: "CreateBook adds a book to a shelf",
      parameters: [
        { name: "parent", description: "Resource name of the shelf.\n\nA part of `parent`, which is `shelves/*`." },
        { name: "bookId", description: "Last part of its resource name; chosen by the library when empty." },
      ],
      requestBody: { description: "The book to add." },
      responses: { "200": { description: "The book as it is now." } },
    });
    expect(schemaOf(document, "library.v1.Book").description).toBe("A book on a shelf.");
    expect(propertyOf(document, "library.v1.Book", "author")).toEqual({
      $ref: "#/components/schemas/library.v1.Author",
      description: "Who wrote it.",
    });
    expect(schemaOf(document, "library.v1.Genre").description).toBe(
      "What a book is about.\n\n- `GENRE_UNSPECIFIED`: Not known.\n- `GENRE_FICTION`: Invented stories.\n" +
        "- `GENRE_SCIENCE`: How the world works.\n- `GENRE_HISTORY`: How it came to be.",
    );
  });

  test("come from an image that was read already, too", () => {
    const read = fromBinary(FileDescriptorSetSchema, image);
    expect(openapi([LibraryService], { image: read })).toEqual(document);
  });

  test("come from descriptors that have them", () => {
    expect(operation(corners, "CornersService_Anything_1")).toMatchObject({
      summary: "Takes any HTTP method, e.g. all of them",
      description: "The rest\nis a description.\n\nSecond paragraph.",
    });
    expect(corners.tags[0]?.description).toBe(
      "CornersService has\none method for each corner. And more to say.\n\nA second paragraph.",
    );
  });

  test("change nothing but words", () => {
    const bare = openapi([LibraryService]);
    const silent = (of: OpenApiDocument): unknown =>
      JSON.parse(JSON.stringify(of, (key, value: unknown) => (/^(summary|description)$/.test(key) ? undefined : value)));
    expect(silent(document)).toEqual(silent(bare));
    expect(schemaOf(bare, "library.v1.Book").description).toBeUndefined();
  });

  test.each<[string, () => unknown, RegExp]>([
    ["is none", () => openapi([LibraryService], { image: new Uint8Array([1, 2, 3]) }), /is not a FileDescriptorSet.*buf build/],
    ["is empty", () => openapi([LibraryService], { image: create(FileDescriptorSetSchema) }), /no source info.*buf build/],
  ])("cannot come from an image that %s", (_what, run, message) => {
    const error = thrown(run);
    expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
    expect(String(error)).toMatch(message);
  });

  test("cannot come from an image without source info", async () => {
    const stripped = await ownImage("--exclude-source-info");
    expect(String(thrown(() => openapi([LibraryService], { image: stripped })))).toMatch(/--exclude-source-info/);
  });
});

describe("prose", () => {
  test.each([
    ["One sentence.", { summary: "One sentence" }],
    ["No end", { summary: "No end" }],
    ["Two lines\nof one sentence. And another.", { summary: "Two lines of one sentence", description: "And another." }],
    ["Version 1.2 of it, e.g. this one. `Code` follows.", { summary: "Version 1.2 of it, e.g. this one", description: "`Code` follows." }],
    ["A paragraph\n\nAnd another.", { summary: "A paragraph", description: "And another." }],
    ["Really? Yes!", { summary: "Really?", description: "Yes!" }],
  ])("splits %j", (comment, split) => {
    expect(prose(comment)).toEqual(split);
  });

  test.each([
    ["ListAllBooks", "List all books"],
    ["GetURL", "Get URL"],
    ["HTTPServer", "HTTP server"],
    ["get_book", "Get book"],
    ["A", "A"],
  ])("puts %s into words", (name, said) => {
    expect(words(name)).toBe(said);
  });
});
