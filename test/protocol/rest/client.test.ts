import { createServer } from "node:http2";
import type { Http2Server, IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Client } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { BookSchema, Genre, LibraryService } from "../../../gen/library/v1/library_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { component, createMesh, implement, instance, memory, rest, staticRegistry } from "../../../src/index.ts";
import type { Mesh, RestChannelInit } from "../../../src/index.ts";
import { until } from "../../../src/testing/until.ts";
import { addBook, library } from "../../support/library.ts";
import { all, failure, streamOf } from "../../support/outcome.ts";
import { startMesh } from "../../support/mesh.ts";

type LibraryClient = Client<typeof LibraryService>;

describe.each<readonly [string, RestChannelInit]>([
  ["HTTP/2", {}],
  ["HTTP/1.1", { httpVersion: "1.1" }],
  ["HTTP/2 with compressed requests", { compression: "gzip", compressMinBytes: 1 }],
])("the channel rest over %s", (_name, init) => {
  const books = library();
  let host: Mesh;
  let guest: Mesh;
  let client: LibraryClient;

  beforeAll(async () => {
    const registry = memory();
    const librarian = component({ name: "library", services: [implement(LibraryService, books.implementation)] });
    ({ mesh: host } = await startMesh({ registry, components: [librarian], limits: { readMaxBytes: 200_000 } }));
    guest = createMesh({ registry, channels: [rest(init)], channel: "rest" });
    client = guest.client(LibraryService);
    addBook(books, "shelves/1/books/7", { title: "Seven", pages: 12, isbn: "99" });
    addBook(books, "shelves/1/books/8", { title: "x".repeat(5_000) });
    addBook(books, "shelves/broken/books/1");
    addBook(books, "shelves/endless/books/1");
  });
  afterAll(async () => {
    await guest.close();
    await host.close();
  });

  test("calls by the first rule that can carry the message", async () => {
    expect((await client.getBook({ name: "shelves/1/books/7" })).book?.title).toBe("Seven");
    expect(new URL(books.context?.url ?? "").pathname).toBe("/v1/shelves/1/books/7");
    expect((await client.getBook({ isbn: "99" })).book?.title).toBe("Seven");
    expect(new URL(books.context?.url ?? "").pathname).toBe("/v1/isbn/99");
    await client.searchBooks({ text: "x" });
    expect(books.context?.requestMethod).toBe("GET");
    await client.searchBooks({ text: "x", copies: [{ number: 1n }] });
    expect(books.context?.requestMethod).toBe("POST");
    expect(books.search).toMatchObject({ text: "x", copies: [{ number: 1n }] });
  });

  test("has the same answer as a channel of messages", async () => {
    const json = createMesh({ registry: memory() });
    await json.close();
    const request = { text: "Seven", genres: [Genre.FICTION], archived: false, minPages: 0, maxAge: { seconds: 1n } };
    const overJson = await host.client(LibraryService, { channel: "local" }).searchBooks(request);
    const asked = books.search;
    expect(await client.searchBooks(request)).toEqual(overJson);
    expect(books.search).toEqual(asked);
  });

  test("carries headers and trailers both ways", async () => {
    let header: Headers | undefined;
    let trailer: Headers | undefined;
    await client.getBook(
      { name: "shelves/1/books/7" },
      { headers: { "x-question": "why" }, onHeader: (h) => (header = h), onTrailer: (t) => (trailer = t) },
    );
    expect([header?.get("x-answer"), header?.get("trailer-x-last"), trailer?.get("x-last")]).toEqual(["why", null, "trailer"]);
  });

  test("writes paths, queries and bodies that come back as they were", async () => {
    const book = create(BookSchema, { title: "é/%2F", author: { givenName: "a" }, price: { case: "cents", value: 2n ** 60n } });
    const made = await client.createBook({ parent: "shelves/a b", bookId: "x/y:z?", book });
    expect(made.book).toEqual({ ...book, name: "shelves/a b/books/x/y:z?" });
    const odd = "shelves/%2F é/books/a:archive";
    addBook(books, odd, { title: "Odd" });
    expect((await client.getBook({ name: odd })).book?.title).toBe("Odd");
    expect((await client.archiveBook({ name: odd, reason: "r" })).book?.archived).toBe(true);
    expect((await client.updateBook({ book: { name: odd, title: "T" }, updateMask: { paths: ["title"] } })).book?.title).toBe("T");
    expect((await client.setTags({ name: odd, tags: ["b", "a"] })).tags).toEqual(["a", "b"]);
    expect((await client.setTags({ name: odd, tags: [] })).tags).toEqual([]);
    await client.deleteBook({ name: odd });
    expect(books.books.has(odd)).toBe(false);
  });

  test("checks with HEAD, where only the status can tell an error", async () => {
    expect(await client.checkBook({ name: "shelves/1/books/7" })).toMatchObject({});
    const error = await failure(client.checkBook({ name: "shelves/1/books/none" }));
    expect([error.code, error.metadata.get("x-shelf")]).toEqual([Code.NotFound, "empty"]);
  });

  test("hands over errors with code, message, details and metadata", async () => {
    const error = await failure(client.getBook({ name: "shelves/1/books/none" }));
    expect([error.code, error.rawMessage, error.metadata.get("x-shelf")]).toEqual([
      Code.NotFound,
      "there is no book shelves/1/books/none",
      "empty",
    ]);
    expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({ reason: "NO_BOOK", metadata: { name: "shelves/1/books/none" } });
  });

  test("carries files", async () => {
    const data = new Uint8Array([0, 255, 1, 2, 3]);
    const put = await client.putFile({ path: "a/b c", content: { data, contentType: "image/png" }, overwrite: true });
    expect(put).toMatchObject({ size: 5n, contentType: "image/png" });
    expect(await client.getFile({ path: "a/b c" })).toMatchObject({ data, contentType: "image/png" });
    const pieces = await all(client.readFile({ path: "a/b c", pieceSize: 2 }));
    expect(pieces[0]?.contentType).toBe("image/png");
    expect(Buffer.concat(pieces.map((piece) => piece.data))).toEqual(Buffer.from(data));
    const parts = streamOf({ path: "p", content: { data, contentType: "x/y" } }, { content: { data } });
    expect(await client.writeFile(parts)).toMatchObject({ size: 10n, contentType: "x/y" });
    expect(books.files.get("p")?.data).toEqual(new Uint8Array([...data, ...data]));
  });

  test("reads large and compressed answers", async () => {
    expect((await client.getBook({ name: "shelves/1/books/8" })).book?.title).toHaveLength(5_000);
    const title = "y".repeat(100_000);
    expect((await client.createBook({ parent: "shelves/large", bookId: "1", book: { title } })).book?.title).toBe(title);
    const error = await failure(client.createBook({ parent: "shelves/large", book: { title: "z".repeat(250_000) } }));
    expect(error.code).toBe(Code.ResourceExhausted);
  });

  test("streams from the server, with headers and trailers", async () => {
    let header: Headers | undefined;
    let trailer: Headers | undefined;
    const options = { onHeader: (h: Headers) => (header = h), onTrailer: (t: Headers) => (trailer = t) };
    const messages = await all(client.watchBooks({ parent: "shelves/1" }, options));
    expect(messages.map(({ index }) => index)).toEqual([1, 2]);
    expect([header?.get("x-answer"), trailer?.get("x-count")]).toEqual(["watching", "2"]);
    expect(await all(client.watchBooks({ parent: "shelves/empty" }))).toEqual([]);
  });

  test("hands over errors before and after messages of a stream", async () => {
    expect((await failure(all(client.watchBooks({ parent: "shelves/none" })))).code).toBe(Code.NotFound);
    const seen: number[] = [];
    const late = await failure(
      (async () => {
        for await (const { index } of client.watchBooks({ parent: "shelves/broken" })) seen.push(index);
      })(),
    );
    expect([seen, late.code, late.rawMessage]).toEqual([[1], Code.DataLoss, "the shelf broke"]);
    expect([late.metadata.get("x-why"), late.metadata.get("x-answer")]).toEqual(["age", "watching"]);
    expect(late.findDetails(ErrorInfoSchema)[0]?.reason).toBe("BROKEN");
  });

  test("streams from the client", async () => {
    const sent = streamOf({ parent: "shelves/5", book: { title: "a" } }, { book: { title: "b" } }, { parent: "shelves/6" });
    expect((await client.importBooks(sent)).names).toEqual(["shelves/5/books/a", "shelves/5/books/b", "shelves/6/books/"]);
    const broken = streamOf({ path: "q", content: { data: new Uint8Array(1) } }, { path: "r" });
    const error = await failure(client.writeFile(broken));
    expect([error.code, error.rawMessage]).toEqual([Code.InvalidArgument, expect.stringContaining("only the first message")]);
  });

  test("keeps its deadline, and ends when its caller cancels", async () => {
    const slow = await failure(all(client.watchBooks({ parent: "shelves/endless" }, { timeoutMs: 300 })));
    expect(slow.code).toBe(Code.DeadlineExceeded);
    await until(() => books.context?.signal.aborted);
    const stop = new AbortController();
    const running = failure(all(client.watchBooks({ parent: "shelves/endless" }, { signal: stop.signal })));
    await until(() => books.context?.signal.aborted === false);
    stop.abort();
    expect((await running).code).toBe(Code.Canceled);
    await until(() => books.context?.signal.aborted);
  });

  test("says what REST cannot carry", async () => {
    const none = await failure(client.countBooks({}));
    expect([none.code, none.rawMessage]).toEqual([
      Code.Unimplemented,
      "library.v1.LibraryService.CountBooks cannot be called over rest: it has no google.api.http rule; use another channel",
    ]);
    const both = await failure(all(client.discuss(streamOf({ text: "x" }))));
    expect([both.code, both.rawMessage]).toEqual([Code.Unimplemented, expect.stringContaining("streams in both directions")]);
    const unfit = await failure(client.getBook({ name: "not/a/book" }));
    expect([unfit.code, unfit.rawMessage]).toEqual([
      Code.InvalidArgument,
      expect.stringContaining('name "not/a/book" does not fit /v1/{name=shelves/*/books/*}; isbn "" does not fit'),
    ]);
    for (const name of ["shelves/../books/7", "shelves/./books/7"]) {
      expect((await failure(client.getBook({ name }))).code).toBe(Code.InvalidArgument);
    }
  });
});

describe("the channel rest against a server that answers", () => {
  /** A client of a server that answers every request with this. */
  async function answered(
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Promise<{ readonly client: LibraryClient; readonly asked: IncomingHttpHeaders[] }> {
    const asked: IncomingHttpHeaders[] = [];
    const server: Http2Server = createServer((req, res) => {
      asked.push(req.headers);
      req.resume();
      res.writeHead(status, headers).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const channels = { rest: `http://127.0.0.1:${port}` };
    const mesh = createMesh({ registry: staticRegistry({ library: [{ channels }] }), channel: "rest" });
    onTestFinished(async () => {
      await mesh.close();
      server.close();
    });
    return { client: mesh.client(LibraryService), asked };
  }

  test("nothing but an HTTP status", async () => {
    const { client } = await answered(503, { "content-type": "text/html" }, "<h1>no</h1>");
    const error = await failure(client.createBook({ parent: "shelves/1" }));
    expect([error.code, error.rawMessage]).toEqual([Code.Unavailable, "HTTP 503"]);
  });

  test("JSON that is no status", async () => {
    const { client } = await answered(404, { "content-type": "application/json" }, '{"statusCode": 404}');
    expect((await failure(client.listShelves({}))).code).toBe(Code.NotFound);
  });

  test("a status with details of grpc-gateway", async () => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field: "f" }], unknown: 1 }];
    const { client } = await answered(400, { "content-type": "application/json" }, JSON.stringify({ code: 3, message: "m", details }));
    const error = await failure(client.listShelves({}));
    expect([error.code, error.rawMessage]).toEqual([Code.InvalidArgument, "m"]);
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).toBe("f");
  });

  test("another content type, or JSON of another shape, which is the server's mistake", async () => {
    const html = await answered(200, { "content-type": "text/html" }, "<h1>hello</h1>");
    expect((await failure(html.client.listShelves({}))).rawMessage).toContain("text/html instead of application/json");
    const wrong = await answered(200, { "content-type": "application/json" }, "{}");
    expect((await failure(wrong.client.listShelves({}))).code).toBe(Code.Internal);
    const lines = await answered(200, { "content-type": "application/x-ndjson" }, '{"result": 5}\n');
    expect((await failure(all(lines.client.watchBooks({ parent: "shelves/1" })))).code).toBe(Code.Internal);
    const other = await answered(200, { "content-type": "application/x-ndjson" }, "[]\n");
    expect((await failure(all(other.client.watchBooks({ parent: "shelves/1" })))).code).toBe(Code.Internal);
  });

  test("unknown fields, which are no mistake", async () => {
    const { client, asked } = await answered(200, { "content-type": "application/json; charset=utf-8" }, '[{"title": "T", "nope": 1}]');
    expect((await client.listShelves({}, { timeoutMs: 5_000 })).shelves[0]?.title).toBe("T");
    expect(asked[0]).toMatchObject({ ":method": "GET", ":path": "/v1/shelves", accept: "application/json", "user-agent": "connect-mesh" });
    expect(Number(asked[0]?.["connect-timeout-ms"])).toBeLessThanOrEqual(5_000);
    expect(asked[0]).not.toHaveProperty("content-type");
  });

  test("a stream that is cut off, which is never taken for a whole one", async () => {
    const server = createServer((req, res) => {
      req.resume();
      res.writeHead(200, { "content-type": "application/x-ndjson" });
      res.write('{"result": {"index": 1}}\n', () => {
        res.stream.close(2);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const channels = { rest: `http://127.0.0.1:${port}` };
    const mesh = createMesh({ registry: staticRegistry({ library: [{ channels }] }), channel: "rest" });
    onTestFinished(async () => {
      await mesh.close();
      server.close();
    });
    const error = await failure(all(mesh.client(LibraryService).watchBooks({ parent: "shelves/1" })));
    expect(error).toBeInstanceOf(ConnectError);
    expect(error.code).toBe(Code.Internal);
  });
});

test("a stream finds another instance when the first cannot be reached", async () => {
  const registry = memory();
  const books = library();
  addBook(books, "shelves/1/books/1");
  const librarian = component({ name: "library", services: [implement(LibraryService, books.implementation)] });
  const dead = instance({
    id: "dead",
    component: "library",
    services: [LibraryService.typeName],
    channels: { rest: "http://127.0.0.1:1" },
  });
  const lease = await registry.register(dead);
  const { mesh } = await startMesh({ registry, components: [librarian] });
  const guest = createMesh({ registry, channel: "rest" });
  onTestFinished(async () => {
    await guest.close();
    await mesh.close();
    await lease[Symbol.asyncDispose]();
  });
  const client = guest.client(LibraryService);
  for (let turn = 0; turn < 4; turn++) {
    expect(await all(client.watchBooks({ parent: "shelves/1" }))).toHaveLength(1);
    expect((await client.importBooks(streamOf({ parent: "shelves/2" }))).names).toHaveLength(1);
  }
});
