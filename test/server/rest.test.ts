import { request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { constants } from "node:http2";
import { gunzipSync, gzipSync } from "node:zlib";
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { HandlerContext } from "@connectrpc/connect";
import fastify from "fastify";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { LibraryService } from "../../gen/library/v1/library_pb.ts";
import { component, createMesh, implement, memory, meshPlugin, staticRegistry } from "../../src/index.ts";
import type { ComponentOptions, MeshOptions } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { addBook, library } from "../support/library.ts";
import type { Library } from "../support/library.ts";
import { startMesh } from "../support/mesh.ts";
import { RawHttp2 } from "../support/raw-http2.ts";
import { RawTcp } from "../support/raw-tcp.ts";
import { rule, withRule, withRules } from "../support/rest-rule.ts";

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  readonly json: unknown;
}

interface Question {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** One request, with its target as it is: clients such as `fetch` would tidy it up. */
type Ask = (method: string, target: string, question?: Question) => Promise<Answer>;

function answerOf(parts: Omit<Answer, "text" | "json">): Answer {
  const text = parts.body.toString();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // It is no JSON.
  }
  return { ...parts, text, json };
}

function overHttp1(address: string): Ask {
  return (method, target, { headers = {}, body = "" } = {}) =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(address);
      const asking = request({ hostname, port, method, path: target, headers, agent: false, timeout: 10_000 }, (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("error", reject);
        res.on("end", () => {
          const { statusCode: status, trailers } = res;
          resolve(answerOf({ status, headers: res.headers, trailers, body: Buffer.concat(chunks) }));
        });
      });
      asking.on("error", reject);
      asking.end(body);
    });
}

function overHttp2(raw: RawHttp2): Ask {
  return async (method, target, { headers = {}, body = "" } = {}) => {
    const { status, headers: all, trailers, body: bytes, reset } = await raw.call(target, { ":method": method, ...headers }, ...(body.length > 0 ? [body] : []));
    if (reset !== constants.NGHTTP2_NO_ERROR) throw new Error(`the stream was reset with ${reset}`);
    return answerOf({ status, headers: all, trailers, body: bytes });
  };
}

const json = { "content-type": "application/json" };

/** A mesh of one library on a port of its own. */
async function startLibrary(
  options: Partial<ComponentOptions> = {},
  more: MeshOptions = {},
): Promise<{ readonly books: Library; readonly address: string; readonly ask: Ask } & AsyncDisposable> {
  const books = library();
  addBook(books, "shelves/1/books/7", { title: "Seven", pages: 12, isbn: "99", tags: ["b", "a"] });
  const librarian = component({ services: [implement(LibraryService, books.implementation)], ...options });
  const started = await startMesh({ components: [librarian], ...more });
  onTestFinished(() => started[Symbol.asyncDispose]());
  return { books, address: started.address, ask: overHttp1(started.address), [Symbol.asyncDispose]: started[Symbol.asyncDispose] };
}

describe.each(["1.1", "2"])("REST over HTTP/%s", (version) => {
  const books = library();
  let ask: Ask;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    const librarian = component({ services: [implement(LibraryService, books.implementation)] });
    const started = await startMesh({ components: [librarian], limits: { readMaxBytes: 100_000 } });
    const raw = new RawHttp2(started.address);
    ask = version === "2" ? overHttp2(raw) : overHttp1(started.address);
    stop = async () => {
      raw[Symbol.dispose]();
      await started[Symbol.asyncDispose]();
    };
    addBook(books, "shelves/1/books/7", { title: "Seven", pages: 12, isbn: "99", tags: ["b", "a"] });
    addBook(books, "shelves/1/books/8", { title: "x".repeat(5_000) });
    addBook(books, "shelves/broken/books/1");
    addBook(books, "shelves/endless/books/1");
  });
  afterAll(() => stop());

  test("gets a field as the whole body, with headers, and trailers as headers", async () => {
    const { status, headers, json: body } = await ask("GET", "/v1/shelves/1/books/7", { headers: { "x-question": "why" } });
    expect([status, body]).toEqual([200, { name: "shelves/1/books/7", title: "Seven", pages: 12, tags: ["b", "a"], isbn: "99" }]);
    expect(headers).toMatchObject({ "content-type": "application/json", "x-answer": "why", "trailer-x-last": "trailer" });
    expect(books.context?.protocolName).toBe("rest");
    expect(books.context?.requestMethod).toBe("GET");
  });

  test("gets the same by an additional binding", async () => {
    expect((await ask("GET", "/v1/isbn/99")).json).toMatchObject({ title: "Seven" });
  });

  test("gets an array as the whole body", async () => {
    expect((await ask("GET", "/v1/shelves")).json).toContainEqual({ name: "shelves/1", title: "SHELVES/1" });
  });

  test("answers HEAD, by its own rule and instead of GET, without a body", async () => {
    for (const target of ["/v1/shelves/1/books/7", "/v1/shelves"]) {
      const { status, body } = await ask("HEAD", target);
      expect([status, body.length]).toEqual([200, 0]);
    }
    const missing = await ask("HEAD", "/v1/shelves/1/books/none");
    expect([missing.status, missing.body.length]).toEqual([404, 0]);
    const wrong = await ask("HEAD", "/v1/shelves/1/books/7:archive");
    expect([wrong.status, wrong.headers.allow]).toEqual([405, "POST"]);
  });

  test("creates, changes, archives and deletes", async () => {
    const target = "/v1/shelves/2/books/new";
    const created = await ask("POST", "/v1/shelves/2/books?book_id=new", { headers: json, body: '{"title": "A"}' });
    expect([created.status, created.json]).toEqual([200, { name: "shelves/2/books/new", title: "A" }]);
    const body = '{"name": "ignored", "title": "B", "pages": 3}';
    expect((await ask("PATCH", `${target}?update_mask=title`, { headers: json, body })).json).toEqual({ name: "shelves/2/books/new", title: "B" });
    expect(books.mask?.paths).toEqual(["title"]);
    expect((await ask("PUT", `${target}/tags`, { headers: json, body: '["z", "y"]' })).json).toEqual(["y", "z"]);
    expect((await ask("POST", `${target}:archive`, { headers: json, body: '{"keep": "3s"}' })).json).toMatchObject({ book: { archived: true } });
    expect((await ask("POST", `${target}:archive`)).status).toBe(200);
    const deleted = await ask("DELETE", target);
    expect([deleted.status, deleted.json]).toEqual([200, {}]);
    expect(books.books.has("shelves/2/books/new")).toBe(false);
  });

  test("searches by query, and by the same message as a body", async () => {
    const query = "text=Seven&like.author.given_name=a&archived=false&genres=GENRE_FICTION&by_title=true&maxAge=1.5s";
    expect((await ask("GET", `/v1/books:search?${query}`)).json).toMatchObject({ books: [{ title: "Seven" }] });
    const first = books.search;
    const body = JSON.stringify({ text: "Seven", like: { author: { givenName: "a" } }, archived: false, genres: [1], byTitle: true, maxAge: "1.5s" });
    await ask("POST", "/v1/books:search?text=other", { headers: json, body });
    expect(books.search).toEqual(first);
  });

  test("reads the target as it came", async () => {
    books.files.set("a/b%2Fc/../d", { data: new Uint8Array([1]), contentType: "x/y" });
    expect((await ask("GET", "/v1/files/a/b%2Fc/../%64")).body).toEqual(Buffer.from([1]));
    addBook(books, "shelves/1/books/a:b c", { title: "Colon" });
    expect((await ask("GET", "/v1/shelves/1/books/a:b%20c")).json).toMatchObject({ title: "Colon" });
    addBook(books, "shelves/1/books/7:archive", { title: "Escaped" });
    expect((await ask("GET", "/v1/shelves/1/books/7%3Aarchive")).json).toMatchObject({ title: "Escaped" });
  });

  test("tells errors as google.rpc.Status, with details and headers", async () => {
    const { status, headers, json: body } = await ask("GET", "/v1/shelves/1/books/none");
    expect(status).toBe(404);
    expect(headers).toMatchObject({ "content-type": "application/json", "x-shelf": "empty" });
    expect(body).toEqual({
      code: 5,
      message: "there is no book shelves/1/books/none",
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason: "NO_BOOK",
          domain: "library.example",
          metadata: { name: "shelves/1/books/none" },
        },
      ],
    });
  });

  test.each<readonly [string, string, Question, number, object]>([
    ["GET", "/v1/nothing", {}, 404, { code: 5 }],
    ["POST", "/v1/nothing", { headers: json, body: "{}" }, 404, { code: 5 }],
    ["GET", "/v1/shelves/1/books/", {}, 404, { code: 5 }],
    ["GET", "/v1//shelves", {}, 404, { code: 5 }],
    ["PUT", "/v1/shelves/1/books/7", {}, 405, { code: 12, message: expect.stringContaining("DELETE, GET, HEAD, PATCH") }],
    ["GET", "/v1/shelves/1/books/7:archive", {}, 405, { code: 12 }],
    ["GET", "/v1/shelves/1/books/%zz", {}, 400, { code: 3, message: expect.stringContaining("name") }],
    ["GET", "/v1/shelves/1/books/%ff", {}, 400, { code: 3 }],
    ["GET", "/v1/genres/NONE/books", {}, 400, { code: 3, message: expect.stringContaining("genre") }],
    ["GET", "/v1/shelves/1/books?page_size=x", {}, 400, { code: 3, message: expect.stringContaining("page_size") }],
    ["GET", "/v1/shelves/1/books?nope=x", {}, 400, { code: 3, message: expect.stringContaining("nope") }],
    ["GET", "/v1/shelves/1/books?parent=x", {}, 400, { code: 3, message: expect.stringContaining("the path already sets parent") }],
    ["POST", "/v1/shelves/1/books", { headers: json, body: "{" }, 400, { code: 3 }],
    ["POST", "/v1/shelves/1/books", { headers: json, body: "{} x" }, 400, { code: 3 }],
    ["POST", "/v1/shelves/1/books", { headers: { "content-type": "text/plain" }, body: "{}" }, 415, { code: 12 }],
    ["POST", "/v1/shelves/1/books", { headers: { ...json, "content-encoding": "nope" }, body: "{}" }, 415, { code: 12 }],
    ["POST", "/v1/shelves/1/books", { headers: json, body: `{"title": "${"x".repeat(100_000)}"}` }, 429, { code: 8 }],
    ["POST", "/v1/shelves/1/books", { headers: { ...json, "content-encoding": "gzip" }, body: gzipSync(`{"title": "${"x".repeat(100_000)}"}`) }, 429, { code: 8 }],
    ["GET", "/v1/shelves", { headers: { "x-server-timeout": "soon" } }, 400, { code: 3, message: expect.stringContaining("soon") }],
  ])("refuses %s %s", async (method, target, question, status, body) => {
    const answer = await ask(method, target, question);
    expect([answer.status, answer.json]).toEqual([status, { details: expect.any(Array), message: expect.any(String), ...body }]);
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    if (status === 405) expect(answer.headers.allow).toMatch(/^[A-Z, ]+$/);
    if (status === 415) expect(answer.headers).toHaveProperty(answer.headers["accept"] === undefined ? "accept-encoding" : "accept");
  });

  test("goes on after a refusal on the same connection", async () => {
    await ask("PUT", "/v1/shelves/1/books/7", { headers: json, body: "x".repeat(50_000) });
    expect((await ask("GET", "/v1/shelves")).status).toBe(200);
  });

  test("reads and sends compressed bodies", async () => {
    const headers = { ...json, "content-encoding": "gzip", "accept-encoding": "gzip;q=0.5" };
    const sent = await ask("POST", "/v1/shelves/zip/books?book_id=1", { headers, body: gzipSync('{"title": "Zipped"}') });
    expect(sent.json).toMatchObject({ title: "Zipped" });
    expect(sent.headers["content-encoding"]).toBeUndefined();
    const large = await ask("GET", "/v1/shelves/1/books/8", { headers });
    expect(large.headers).toMatchObject({ "content-encoding": "gzip", vary: "accept-encoding" });
    expect(JSON.parse(gunzipSync(large.body).toString())).toMatchObject({ title: "x".repeat(5_000) });
  });

  test("takes and gives files as they are", async () => {
    const data = Buffer.from(Array.from({ length: 3_000 }, (_, at) => at % 256));
    const put = await ask("PUT", "/v1/files/covers/7.png?overwrite=true", { headers: { "content-type": "image/png" }, body: data });
    expect([put.status, put.json]).toEqual([200, { size: "3000", contentType: "image/png" }]);
    const got = await ask("GET", "/v1/files/covers/7.png");
    expect([got.headers["content-type"], got.body]).toEqual(["image/png", data]);
    const pieces = await ask("GET", "/v1/files/covers/7.png:read?piece_size=1000");
    expect([pieces.headers["content-type"], pieces.body]).toEqual(["image/png", data]);
    const written = await ask("POST", "/v1/files/covers/8.png:write", { headers: { "content-type": "image/png" }, body: data });
    expect(written.json).toEqual({ size: "3000", contentType: "image/png" });
    expect(Buffer.from(books.files.get("covers/8.png")?.data ?? [])).toEqual(data);
    expect((await ask("GET", "/v1/files/none")).json).toMatchObject({ code: 5 });
    expect((await ask("GET", "/v1/files/none:read")).json).toMatchObject({ code: 5 });
  });

  test("streams lines, with trailers at the end", async () => {
    const { status, headers, trailers, text } = await ask("GET", "/v1/shelves/1/books:watch");
    expect([status, headers["content-type"], headers["x-answer"]]).toEqual([200, "application/x-ndjson", "watching"]);
    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line) as unknown);
    expect(lines[0]).toMatchObject({ result: { book: { title: "Seven" }, index: 1 } });
    expect(trailers).toMatchObject({ "x-count": String(lines.length) });
  });

  test("streams events to who accepts them", async () => {
    const headers = { accept: "text/event-stream" };
    const { headers: got, text } = await ask("GET", "/v1/shelves/broken/books:watch", { headers });
    expect(got).toMatchObject({ "content-type": "text/event-stream", "cache-control": "no-cache" });
    const events = text.split("\n\n");
    expect(events).toHaveLength(3);
    expect(events[0]).toMatch(/^data: \{"book":\{.*\},"index":1\}$/);
    expect(events[1]).toMatch(/^event: error\ndata: \{"code":15,/);
    expect(events[2]).toBe("");
  });

  test("tells an error after messages in the last line, and its metadata as trailers", async () => {
    const { status, trailers, text } = await ask("GET", "/v1/shelves/broken/books:watch");
    expect(status).toBe(200);
    const [first, last, ...rest] = text.trimEnd().split("\n").map((line) => JSON.parse(line) as unknown);
    expect([first, last, rest]).toMatchObject([
      { result: { index: 1 } },
      { error: { code: 15, message: "the shelf broke", details: [{ reason: "BROKEN" }] } },
      [],
    ]);
    expect(trailers).toMatchObject({ "x-why": "age" });
  });

  test("tells an error before messages by its status, and no messages by an empty body", async () => {
    const failed = await ask("GET", "/v1/shelves/none/books:watch");
    expect([failed.status, failed.json]).toMatchObject([404, { code: 5 }]);
    const wrong = await ask("GET", "/v1/shelves/none/books:watch?nope=1");
    expect([wrong.status, wrong.json]).toMatchObject([400, { code: 3 }]);
    const none = await ask("GET", "/v1/shelves/empty/books:watch");
    expect([none.status, none.headers["content-type"], none.text]).toEqual([200, "application/x-ndjson", ""]);
  });

  test("takes client streams as lines", async () => {
    const headers = { "content-type": "application/x-ndjson" };
    const body = '{"book": {"title": "a"}}\n{"parent": "shelves/4", "book": {"title": "b"}}\n{"book": {"title": "c"}}';
    const { status, json: names } = await ask("POST", "/v1/shelves/3/books:import", { headers, body });
    expect([status, names]).toEqual([200, { names: ["shelves/3/books/a", "shelves/4/books/b", "shelves/3/books/c"] }]);
    expect((await ask("POST", "/v1/shelves/3/books:import")).json).toEqual({});
    const wrong = await ask("POST", "/v1/shelves/3/books:import", { headers, body: "{}\n{" });
    expect([wrong.status, wrong.json]).toMatchObject([400, { code: 3 }]);
    const other = await ask("POST", "/v1/shelves/3/books:import", { headers: { "content-type": "text/plain" }, body });
    expect([other.status, other.json]).toMatchObject([415, { code: 12 }]);
  });

  test("has the deadline of its caller, in every spelling, within bounds", async () => {
    const left = async (headers: Readonly<Record<string, string>>): Promise<number> => {
      await ask("GET", "/v1/shelves/1/books/7", { headers });
      // It is over now; what it had is in the context.
      return Number((books.context as HandlerContext & { requestHeader: Headers }).requestHeader.get("connect-timeout-ms"));
    };
    expect(await left({ "x-server-timeout": "2.5" })).toBe(2_500);
    expect(await left({ "grpc-timeout": "3S" })).toBe(3_000);
    expect(await left({ "connect-timeout-ms": "700" })).toBe(700);
    expect(await left({})).toBe(10_000);
    expect(await left({ "x-server-timeout": "100000" })).toBe(300_000);
    const over = await ask("GET", "/v1/shelves", { headers: { "x-server-timeout": "0" } });
    expect([over.status, over.json]).toMatchObject([504, { code: 4 }]);
  });

  test("ends an endless stream at its deadline", async () => {
    const { text } = await ask("GET", "/v1/shelves/endless/books:watch", { headers: { "x-server-timeout": "0.3" } });
    expect(JSON.parse(text.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({ error: { code: 4 } });
    await until(() => books.context?.signal.aborted);
  });
});

describe("a REST call", () => {
  test("ends when its caller goes", async () => {
    const { books, address } = await startLibrary();
    addBook(books, "shelves/endless/books/1");
    const stop = new AbortController();
    const answer = await fetch(`${address}/v1/shelves/endless/books:watch`, { signal: stop.signal });
    expect(answer.status).toBe(200);
    expect(books.context?.signal.aborted).toBe(false);
    stop.abort();
    await until(() => books.context?.signal.aborted);
  });

  test("runs the interceptors and the gate of its component", async () => {
    const seen: string[] = [];
    const { ask } = await startLibrary({
      requestGate: (context) => {
        seen.push(`gate ${context.requestMethod} ${new URL(context.url).pathname}`);
        if (!context.requestHeader.has("authorization")) throw new ConnectError("who are you?", Code.Unauthenticated);
      },
      interceptors: [
        (next) => (req) => {
          seen.push(`${req.method.name} ${req.stream}`);
          return next(req);
        },
      ],
    });
    const headers = { authorization: "Bearer x" };
    const refused = await ask("POST", "/v1/shelves/1/books", { headers: json, body: "{" });
    expect([refused.status, refused.json, refused.headers["www-authenticate"]]).toEqual([
      401,
      { code: 16, message: "who are you?", details: [] },
      "Bearer",
    ]);
    expect((await ask("GET", "/v1/shelves", { headers })).status).toBe(200);
    expect((await ask("GET", "/v1/shelves/1/books:watch", { headers })).status).toBe(200);
    expect(seen).toEqual([
      "gate POST /v1/shelves/1/books",
      "gate GET /v1/shelves",
      "ListShelves false",
      "gate GET /v1/shelves/1/books:watch",
      "WatchBooks true",
    ]);
  });

  test("has the headers and trailers that interceptors make", async () => {
    const { ask } = await startLibrary({
      interceptors: [
        (next) => async (req) => ({
          ...(await next(req)),
          header: new Headers({ "x-new": "header" }),
          trailer: new Headers({ "x-new": "trailer" }),
        }),
      ],
    });
    const made = { "content-type": "application/json", "x-new": "header", "trailer-x-new": "trailer" };
    expect((await ask("GET", "/v1/shelves")).headers).toMatchObject(made);
    expect((await ask("POST", "/v1/shelves/1/books:import")).headers).toMatchObject(made);
    const { headers, trailers } = await ask("GET", "/v1/shelves/1/books:watch");
    expect([headers, trailers]).toMatchObject([{ "x-new": "header" }, { "x-new": "trailer" }]);
  });

  test("breaks raw content off when the implementation fails, so that nobody takes it for whole", async () => {
    const readFile = async function* () {
      yield { data: new Uint8Array([1, 2]), contentType: "x/y" };
      throw new ConnectError("the disk broke", Code.DataLoss);
    };
    const failing = { ...library().implementation, readFile };
    const { ask, address } = await startLibrary({ services: [implement(LibraryService, failing)] });
    await expect(ask("GET", "/v1/files/a:read")).rejects.toThrow(/aborted|hang up|reset/);
    using raw = new RawHttp2(address);
    await expect(overHttp2(raw)("GET", "/v1/files/a:read")).rejects.toThrow("the stream was reset");
  });

  test("answers a message in a field as raw content, with the content type", async () => {
    const putFile = withRule(LibraryService.method.putFile, rule("PUT", "/v1/echo", { body: "content", responseBody: "content" }));
    const echo = { ...putFile, output: putFile.input };
    const service = { ...LibraryService, methods: [echo], method: { putFile: echo } } as unknown as typeof LibraryService;
    const implementation = { ...library().implementation, putFile: (request: unknown) => request as never };
    const { ask } = await startLibrary({ services: [implement(service, implementation)] });
    const body = Buffer.from([0, 255, 10]);
    const answer = await ask("PUT", "/v1/echo?path=x", { headers: { "content-type": "image/png" }, body });
    expect([answer.status, answer.headers["content-type"], answer.body]).toEqual([200, "image/png", body]);
    const empty = await ask("PUT", "/v1/echo");
    expect([empty.status, empty.headers["content-type"], empty.body.length]).toEqual([200, "application/octet-stream", 0]);
  });

  test("answers scalars as the whole body, with their defaults, and a field of each message of a stream", async () => {
    const service = withRules(LibraryService, {
      CountBooks: rule("GET", "/v1/count", { responseBody: "count" }),
      PutFile: rule("PUT", "/v1/files/{path}", { body: "content", responseBody: "content_type" }),
      WriteFile: rule("POST", "/v1/files/{path}:size", { body: "content", responseBody: "size" }),
      WatchBooks: rule("GET", "/v1/{parent=shelves/*}/indexes", { responseBody: "index" }),
    });
    const books = library();
    const { ask, address } = await startLibrary({ services: [implement(service, books.implementation)] });
    expect([(await ask("GET", "/v1/count")).text, (await ask("PUT", "/v1/files/a")).text]).toEqual(["0", '""']);
    expect((await ask("POST", "/v1/files/a:size", { headers: { "content-type": "x/y" }, body: "abc" })).text).toBe('"3"');
    addBook(books, "shelves/1/books/1");
    addBook(books, "shelves/1/books/2");
    expect((await ask("GET", "/v1/count")).text).toBe("2");
    expect((await ask("GET", "/v1/shelves/1/indexes")).text).toBe('{"result":1}\n{"result":2}\n');
    await using caller = createMesh({ registry: staticRegistry({ [service.typeName]: [{ channels: { rest: address } }] }) });
    const client = caller.client(service, { channel: "rest" });
    expect((await client.countBooks({})).count).toBe(2);
    const indexes: number[] = [];
    for await (const { index } of client.watchBooks({ parent: "shelves/1" })) indexes.push(index);
    expect(indexes).toEqual([1, 2]);
  });

  test("reads a body that waits to be asked for, and one in chunks with trailers", async () => {
    const { address } = await startLibrary();
    const head = "POST /v1/shelves/1/books HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n";
    using waiting = new RawTcp(Number(new URL(address).port));
    waiting.send(`${head}expect: 100-continue\r\ncontent-length: 13\r\n\r\n`);
    await until(() => waiting.received.startsWith("HTTP/1.1 100 "));
    await waiting.send('{"title":"a"}').closed;
    expect(waiting.received).toMatch(/HTTP\/1\.1 200 [^]*"title":"a"/);
    using chunked = new RawTcp(Number(new URL(address).port));
    await chunked.send(`${head}transfer-encoding: chunked\r\n\r\n6\r\n{"titl\r\n7\r\ne":"b"}\r\n0\r\nx-late: 1\r\n\r\n`).closed;
    expect(chunked.received).toMatch(/HTTP\/1\.1 200 [^]*"title":"b"/);
  });

  test("hides what an implementation throws", async () => {
    const failing = { ...library().implementation, listShelves: () => { throw new TypeError("secret"); } };
    const { ask } = await startLibrary({ services: [implement(LibraryService, failing)] });
    const { status, json: body } = await ask("GET", "/v1/shelves");
    expect([status, body]).toEqual([500, { code: 13, message: "internal error", details: [] }]);
  });

  test.each([
    [Code.Canceled, 499], [Code.Unknown, 500], [Code.InvalidArgument, 400], [Code.DeadlineExceeded, 504],
    [Code.NotFound, 404], [Code.AlreadyExists, 409], [Code.PermissionDenied, 403], [Code.ResourceExhausted, 429],
    [Code.FailedPrecondition, 400], [Code.Aborted, 409], [Code.OutOfRange, 400], [Code.Unimplemented, 501],
    [Code.Internal, 500], [Code.Unavailable, 503], [Code.DataLoss, 500], [Code.Unauthenticated, 401],
  ])("answers code %i with the status %i", async (code, status) => {
    const failing = { ...library().implementation, listShelves: () => { throw new ConnectError("m", code); } };
    const { ask } = await startLibrary({ services: [implement(LibraryService, failing)] });
    const answer = await ask("GET", "/v1/shelves");
    expect([answer.status, answer.json]).toEqual([status, { code, message: "m", details: [] }]);
  });

  test("obeys the options of its component", async () => {
    const { ask, books } = await startLibrary({ rest: { unknownQuery: "ignore", emitDefaults: true, fillUpdateMask: true } });
    expect((await ask("GET", "/v1/shelves/1/books?utm_source=x")).json).toMatchObject({ nextPageToken: "", books: [{ archived: false }] });
    await ask("PATCH", "/v1/shelves/1/books/7", { headers: json, body: '{"title": "x", "author": {"givenName": "y"}}' });
    expect(books.mask?.paths).toEqual(["title", "author.given_name"]);
  });

  test("has no answer of more than writeMaxBytes", async () => {
    const { ask, books } = await startLibrary({}, { limits: { writeMaxBytes: 1_000 } });
    addBook(books, "shelves/1/books/9", { title: "x".repeat(2_000) });
    expect((await ask("GET", "/v1/shelves/1/books/9")).json).toMatchObject({ code: 8 });
    expect((await ask("GET", "/v1/shelves/1/books:watch")).text).toContain('{"error":{"code":8,');
  });
});

describe("REST beside other things on its port", () => {
  test("leaves RPCs alone", async () => {
    const { ask } = await startLibrary();
    const rpc = await ask("POST", "/library.v1.LibraryService/GetBook", { headers: json, body: '{"isbn": "99"}' });
    expect(rpc.json).toMatchObject({ book: { title: "Seven" } });
    const unknown = await ask("POST", "/library.v1.LibraryService/Nope", { headers: json, body: "{}" });
    expect(unknown.json).toMatchObject({ code: "unimplemented" });
  });

  test("leaves the health endpoints and gRPC to themselves, even when a rule takes every path", async () => {
    const getFile = withRule(LibraryService.method.getFile, rule("*", "/{path=**}"));
    const service = { ...LibraryService, methods: [getFile] } as unknown as typeof LibraryService;
    const { ask, books } = await startLibrary({ services: [implement(service, library().implementation)] });
    expect(books.requests).toEqual([]);
    expect((await ask("GET", "/livez")).status).toBe(200);
    expect((await ask("POST", "/some/file")).json).toMatchObject({ code: 5, message: "there is no file some/file" });
    expect((await ask("POST", "/other.Service/Method", { headers: { "content-type": "application/grpc" } })).headers["grpc-status"]).toBe("12");
  });

  test("leaves other routes to the app, and its own answer for what is not found", async () => {
    const books = library();
    const librarian = component({ services: [implement(LibraryService, books.implementation)] });
    await using started = await startMesh({ components: [librarian] }, ({ http }) => {
      http.get("/v1/own", () => ({ own: true }));
      http.setNotFoundHandler((_request, reply) => reply.status(404).send({ lost: true }));
    });
    const ask = overHttp1(started.address);
    expect((await ask("GET", "/v1/own")).json).toEqual({ own: true });
    expect((await ask("GET", "/v1/nothing")).json).toEqual({ lost: true });
    expect((await ask("GET", "/v1/shelves")).status).toBe(200);
  });

  test("is off for a component that leaves it out", async () => {
    const { ask } = await startLibrary({ channels: ["json"] });
    expect((await ask("GET", "/v1/shelves")).status).toBe(404);
    expect((await ask("POST", "/library.v1.LibraryService/ListShelves", { headers: json, body: "{}" })).status).toBe(200);
  });

  test("is all there is for a component that offers nothing else", async () => {
    const { ask } = await startLibrary({ channels: ["rest"] });
    expect((await ask("GET", "/v1/shelves")).status).toBe(200);
    expect((await ask("POST", "/library.v1.LibraryService/ListShelves", { headers: json, body: "{}" })).status).toBe(404);
  });

  test("is registered where it is offered", async () => {
    const registry = memory();
    await startLibrary({}, { registry });
    for await (const { instances } of registry.watch({ service: LibraryService.typeName }, AbortSignal.timeout(5_000))) {
      expect(Object.keys(instances[0]?.channels ?? {})).toContain("rest");
      break;
    }
  });
});

test("two components whose rules collide are an error before anything starts", () => {
  const one = component({ name: "one", services: [implement(LibraryService, library().implementation)] });
  const other = { ...LibraryService, typeName: "library.v2.LibraryService" } as typeof LibraryService;
  const methods = LibraryService.methods.map((method): DescMethod => ({ ...method, parent: other }));
  const two = component({
    name: "two",
    services: [implement({ ...other, methods } as typeof LibraryService, library().implementation)],
  });
  expect(() => createMesh({ registry: memory(), components: [one, two], validate: false })).toThrow(
    /library\.v1\.LibraryService\.ListShelves and library\.v2\.LibraryService\.ListShelves collide/,
  );
});

describe("REST in an app that the mesh is mounted in", () => {
  let ask: Ask;
  let stop: () => Promise<void>;
  const books = library();

  beforeAll(async () => {
    const librarian = component({ services: [implement(LibraryService, books.implementation)] });
    const mesh = createMesh({ registry: memory(), components: [librarian], drain: { drainDelayMs: 0 } });
    const app = fastify();
    app.get("/v1/shelves/own", () => ({ own: true }));
    app.setNotFoundHandler((_request, reply) => reply.status(404).send({ lost: true }));
    await app.register(meshPlugin, { mesh });
    ask = overHttp1(await app.listen({ port: 0, host: "127.0.0.1" }));
    await mesh.start();
    stop = async () => {
      await mesh.close();
      await app.close();
    };
    addBook(books, "shelves/1/books/7", { title: "Seven", isbn: "99" });
    books.files.set("a/b%2Fc", { data: new Uint8Array([1]), contentType: "x/y" });
    books.files.set("", { data: new Uint8Array([2]), contentType: "x/y" });
  });
  afterAll(() => stop());

  test.each<readonly [string, string, number, object]>([
    ["GET", "/v1/shelves", 200, [{ name: "shelves/1" }]],
    ["GET", "/v1/shelves/1/books/7", 200, { title: "Seven" }],
    ["GET", `/v1/shelves/${"x".repeat(300)}/books/7`, 404, { code: 5 }],
    ["GET", "/v1/isbn/99", 200, { title: "Seven" }],
    ["GET", "/v1/books:search?text=Seven", 200, { books: [{ title: "Seven" }] }],
    ["POST", "/v1/shelves/1/books/7:archive", 200, { book: { archived: true } }],
    ["PUT", "/v1/shelves/1/books/7", 405, { code: 12 }],
    ["GET", "/v1/shelves/own", 200, { own: true }],
    ["GET", "/v1/shelves/1/nothing", 404, { lost: true }],
    ["GET", "/v1/nothing", 404, { lost: true }],
  ])("answers %s %s with %i", async (method, target, status, body) => {
    const answer = await ask(method, target);
    expect([answer.status, answer.json]).toMatchObject([status, body]);
  });

  test("sees the raw path", async () => {
    expect((await ask("GET", "/v1/files/a/b%2Fc")).body).toEqual(Buffer.from([1]));
    expect((await ask("GET", "/v1/files")).body).toEqual(Buffer.from([2]));
    expect((await ask("GET", "/v1/files:read")).body).toEqual(Buffer.from([2]));
  });

  test("reads bodies and streams", async () => {
    const created = await ask("POST", "/v1/shelves/2/books?book_id=1", { headers: json, body: '{"title": "A"}' });
    expect(created.json).toMatchObject({ name: "shelves/2/books/1", title: "A" });
    expect((await ask("GET", "/v1/shelves/2/books:watch")).text).toMatch(/^\{"result":\{.*\}\}\n$/);
  });
});
