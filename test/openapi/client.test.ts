import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LibraryService } from "../../gen/library/v1/library_pb.ts";
import { component, implement } from "../../src/index.ts";
import { addBook, library } from "../support/library.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { ownImage } from "./compile.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
/** A package of its own, with the TypeScript that the generator needs. */
const tools = join(root, "test/openapi-client/node_modules/.bin");

/** What a user writes: types say which paths, parameters and bodies there are. */
const program = `
import createClient from "openapi-fetch";
import type { components, paths } from "./api.d.ts";

type Book = components["schemas"]["library.v1.Book"];

const api = createClient<paths>({ baseUrl: process.argv[2] ?? "" });
const seen: unknown[] = [];
const book: Book = { title: "Types", genre: "GENRE_SCIENCE", cents: "9007199254740993", rating: "NaN", author: { givenName: "Ada" } };

const made = await api.POST("/v1/shelves/{parent}/books", {
  params: { path: { parent: "1" }, query: { bookId: "types" } },
  body: book,
});
const name: string | undefined = made.data?.name;
seen.push(name, made.data?.cents, made.data?.rating);

const path = { name: "1", name_1: "types" };
const got = await api.GET("/v1/shelves/{name}/books/{name_1}", { params: { path } });
seen.push(got.data?.genre);

const changed = await api.PATCH("/v1/shelves/{name}/books/{name_1}", {
  params: { path, query: { updateMask: "title" } },
  body: { title: "Other" },
});
seen.push(changed.data?.title);

const found = await api.GET("/v1/books:search", {
  params: { query: { genres: ["GENRE_SCIENCE", "GENRE_FICTION"], "like.author.givenName": "Ada", maxCents: "12" } },
});
seen.push(found.data?.books?.length);

const tags = await api.PUT("/v1/shelves/{name}/books/{name_1}/tags", { params: { path }, body: ["b", "a"] });
seen.push(tags.data);

const archived = await api.POST("/v1/shelves/{name}/books/{name_1}:archive", { params: { path }, body: { keep: "1.5s" } });
seen.push(archived.data?.book?.archived);

const missing = await api.GET("/v1/shelves/{name}/books/{name_1}", { params: { path: { name: "1", name_1: "none" } } });
seen.push(missing.data, missing.error?.code, missing.error?.message, missing.error?.details?.[0]?.["@type"]);

const file = await api.PUT("/v1/files/{path}", {
  params: { path: { path: "a.txt" } },
  body: "text",
  bodySerializer: (body) => body,
  headers: { "content-type": "text/plain" },
});
seen.push(file.data?.size);

const stream = await api.GET("/v1/shelves/{parent}/books:watch", { params: { path: { parent: "1" } }, parseAs: "text" });
seen.push(stream.data?.split("\\n").length);
console.log(JSON.stringify(seen));

export async function mistakes(): Promise<void> {
  // @ts-expect-error there is no such path
  await api.GET("/v1/nowhere");
  // @ts-expect-error the second part of the name is missing
  await api.GET("/v1/shelves/{name}/books/{name_1}", { params: { path: { name: "1" } } });
  // @ts-expect-error there is no such parameter
  await api.GET("/v1/books:search", { params: { query: { nothing: 1 } } });
  // @ts-expect-error a book must have a title
  await api.POST("/v1/shelves/{parent}/books", { params: { path: { parent: "1" } }, body: {} });
  // @ts-expect-error numbers of 64 bits are strings
  const cents: Book["cents"] = 5;
  // @ts-expect-error there is no such genre
  const genre: Book["genre"] = "GENRE_POETRY";
  // @ts-expect-error an author is always an object
  const author: Book["author"] = null;
  console.log(cents, genre, author);
}
`;

const settings = {
  compilerOptions: {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    target: "es2023",
    module: "nodenext",
    lib: ["es2023", "dom", "dom.iterable"],
    types: ["node"],
    noEmit: true,
    allowImportingTsExtensions: true,
  },
  files: ["program.ts", "api.d.ts"],
};

let work: string;
let server: StartedMesh;

beforeAll(async () => {
  const books = library();
  addBook(books, "shelves/1/books/1");
  server = await startMesh({
    components: [component({ services: [implement(LibraryService, books.implementation)] })],
    openapi: { image: await ownImage(), connect: true },
  });
  await mkdir(join(root, ".cache"), { recursive: true });
  // Inside the repository, where the libraries are found.
  work = await mkdtemp(join(root, ".cache", "openapi-client-"));
  await writeFile(join(work, "package.json"), '{ "type": "module" }');
  await writeFile(join(work, "tsconfig.json"), JSON.stringify(settings));
  await writeFile(join(work, "program.ts"), program);
});

afterAll(async () => {
  await server.mesh.close();
  await rm(work, { recursive: true, force: true });
});

/** Runs a program; its output when it fails. */
async function output(file: string, args: readonly string[]): Promise<string> {
  return run(file, [...args], { cwd: work, timeout: 100_000 }).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr, message }: { stdout?: string; stderr?: string; message: string }) => {
      throw new Error(`${message}\n${stdout ?? ""}${stderr ?? ""}`);
    },
  );
}

describe("a client whose types were generated from the document", () => {
  test("type-checks, and calls the running server", { timeout: 120_000 }, async () => {
    const url = `${server.address}/openapi.json`;
    await output(join(tools, "openapi-typescript"), [url, "--output", "api.d.ts"]);
    expect(await output(join(tools, "tsc"), ["-p", ".", "--pretty", "false"])).toBe("");
    const printed = await output(process.execPath, ["program.ts", server.address]);
    expect(JSON.parse(printed)).toEqual([
      "shelves/1/books/types",
      "9007199254740993",
      "NaN",
      "GENRE_SCIENCE",
      "Other",
      2,
      ["a", "b"],
      true,
      null,
      5,
      "there is no book shelves/1/books/none",
      "type.googleapis.com/google.rpc.ErrorInfo",
      "4",
      3,
    ]);
  });
});
