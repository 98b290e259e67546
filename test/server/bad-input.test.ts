import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { constants } from "node:http2";
import { gzipSync } from "node:zlib";
import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { answer, envelope, RawHttp2 } from "../support/raw-http2.ts";
import type { RawAnswer } from "../support/raw-http2.ts";
import { RawTcp } from "../support/raw-tcp.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const base = "/greet.v1.GreetService";
const json = { "content-type": "application/json" };
const proto = { "content-type": "application/proto" };
const stream = { "content-type": "application/connect+json" };
const grpc = { "content-type": "application/grpc", te: "trailers" };
const limit = 4 * 1024 * 1024;

let server: StartedMesh;
let raw: RawHttp2;

beforeAll(async () => {
  server = await startMesh();
});

afterAll(() => server.mesh.close());

beforeEach(() => {
  raw = new RawHttp2(server.address);
});

afterEach(async () => {
  // Whatever was sent, the connection and the server still answer.
  for (const through of [raw, new RawHttp2(server.address)]) {
    const after = await through.call(`${base}/Greet`, json, '{"name":"Ada"}');
    expect(after.json).toEqual({ message: "hello Ada", instance: server.id });
    through[Symbol.dispose]();
  }
});

/** The status of a gRPC call: from the trailers, or from the headers of an answer without body. */
function grpcStatus({ status, headers, trailers }: RawAnswer) {
  const from = trailers["grpc-status"] === undefined ? headers : trailers;
  return [status, Number(from["grpc-status"]), decodeURIComponent(String(from["grpc-message"]))];
}

describe("a message that cannot be read", () => {
  test.each([
    ["JSON that breaks off", json, '{"name":', /cannot read greet\.v1\.GreetRequest as json/],
    ["JSON of another type", json, '{"name":1}', /GreetRequest\.name.*expected string, got 1/],
    ["protobuf that breaks off", proto, "\u000a\u007f", /cannot read greet\.v1\.GreetRequest as protobuf/],
    ["gzip that is none", { ...json, "content-encoding": "gzip" }, "{}", /decompress/],
  ])("is invalid_argument: %s", async (_what, headers, body, message) => {
    const { status, json: error } = await raw.call(`${base}/Greet`, headers, body);
    expect([status, error?.code]).toEqual([400, "invalid_argument"]);
    expect(error?.message).toMatch(message);
  });

  test("is internal over gRPC, as its list of status codes says", async () => {
    // https://grpc.io/docs/guides/status-codes: "Error parsing request proto".
    const answered = await raw.call(`${base}/Greet`, grpc, envelope("\u000a\u007f"));
    expect(grpcStatus(answered)).toEqual([200, Code.Internal, expect.stringContaining("cannot read greet.v1.GreetRequest")]);
  });

  test("is unimplemented when it is compressed in an unknown way, with those that are known", async () => {
    const unary = await raw.call(`${base}/Greet`, { ...json, "content-encoding": "zip" }, "{}");
    expect(unary.json).toMatchObject({ code: "unimplemented", message: expect.stringContaining("gzip") });
    const answered = await raw.call(`${base}/Greet`, { ...grpc, "grpc-encoding": "zip" }, envelope(""));
    expect(grpcStatus(answered)).toEqual([200, Code.Unimplemented, expect.stringContaining("gzip")]);
  });

  test("does no harm when it is a million levels deep", async () => {
    const array = `${"[".repeat(1e6)}${"]".repeat(1e6)}`;
    const deepJson = await raw.call(`${base}/Greet`, json, `{"name":${array}}`);
    expect([deepJson.status, deepJson.json?.code]).toEqual([400, "invalid_argument"]);
    // A start of group 15, a million times.
    const deepProto = await raw.call(`${base}/Greet`, proto, Buffer.alloc(1e6, 0x7b));
    expect([deepProto.status, deepProto.json?.code]).toEqual([400, "invalid_argument"]);
    const deepGrpc = await raw.call(`${base}/Greet`, grpc, envelope(Buffer.alloc(1e6, 0x7b)));
    expect(grpcStatus(deepGrpc).slice(0, 2)).toEqual([200, Code.Internal]);
  });
});

describe("a message over the limit", () => {
  const tooLarge = "x".repeat(limit);

  test("is resource_exhausted before it is sent, when its length is declared", async () => {
    const call = raw.open(`${base}/Greet`, { ...json, "content-length": 2 * limit });
    call.write("{");
    const { status, json: error, reset } = await answer(call);
    expect([status, error?.code, reset]).toEqual([429, "resource_exhausted", constants.NGHTTP2_NO_ERROR]);
    expect(error?.message).toContain(String(limit));
  });

  test("is resource_exhausted before it is sent over HTTP/1.1, when its length is declared", async () => {
    const { port } = server;
    const headers = { ...json, "content-length": 2 * limit };
    const call = request({ port, method: "POST", path: `${base}/Greet`, headers });
    call.on("error", () => {});
    call.write("{");
    const response = await new Promise<IncomingMessage>((resolve) => call.once("response", resolve));
    expect(response.statusCode).toBe(429);
    call.destroy();
  });

  test.each([
    ["Connect with JSON", json, [`{"name":"`, tooLarge, `"}`]],
    ["Connect with gzip", { ...json, "content-encoding": "gzip" }, [gzipSync(`{"name":"${"x".repeat(8 * limit)}"}`)]],
  ])("is resource_exhausted: %s", async (_what, headers, body) => {
    const { status, json: error } = await raw.call(`${base}/Greet`, headers, ...body);
    expect([status, error?.code]).toEqual([429, "resource_exhausted"]);
    expect(error?.message).toContain(String(limit));
  });

  test.each([
    ["gRPC", grpc, envelope(tooLarge + tooLarge)],
    ["gRPC with gzip", { ...grpc, "grpc-encoding": "gzip" }, envelope(gzipSync(Buffer.alloc(8 * limit)), 1)],
  ])("is resource_exhausted: %s", async (_what, headers, body) => {
    const answered = await raw.call(`${base}/Greet`, headers, body);
    expect(grpcStatus(answered)).toEqual([200, Code.ResourceExhausted, expect.stringContaining(String(limit))]);
  });

  test.each([
    ["a stream", stream, envelope(`{"name":"${tooLarge}"}`)],
    ["a stream with gzip", { ...stream, "connect-content-encoding": "gzip" }, envelope(gzipSync(Buffer.alloc(8 * limit)), 1)],
  ])("is resource_exhausted: %s of Connect", async (_what, headers, body) => {
    const { status, body: answered } = await raw.call(`${base}/Collect`, headers, body);
    expect(status).toBe(200);
    expect(answered.toString()).toContain('"code":"resource_exhausted"');
    expect(answered.toString()).toContain(String(limit));
  });
});

describe("a request for what is not there", () => {
  test("names the methods of the service", async () => {
    const { status, json: error } = await raw.call(`${base}/Nope`, json, "{}");
    expect([status, error]).toEqual([
      404,
      { code: "unimplemented", message: `no method at ${base}/Nope; it has Greet, GreetMany, Chat, Collect` },
    ]);
  });

  test.each([`${base}/Nope`, "/none.v1.None/Nope"])("is unimplemented in the headers over gRPC: %s", async (path) => {
    const answered = await raw.call(path, grpc, envelope(""));
    expect([answered.headers["content-type"], answered.body.length]).toEqual(["application/grpc", 0]);
    expect(grpcStatus(answered)).toEqual([200, Code.Unimplemented, expect.stringContaining(`no method at ${path}; it has`)]);
  });

  test("is nothing special when it is no RPC", async () => {
    expect((await raw.call("/nope", json, "{}")).status).toBe(404);
  });
});

describe("a request in the wrong form", () => {
  test.each([
    ["text/plain", "Greet", "application/json"],
    ["application/json", "GreetMany", "application/connect+json"],
    ["application/connect+json", "Greet", "application/json"],
  ])("is 415 with the content types that work: %s for %s", async (type, method, accepted) => {
    const { status, headers, body } = await raw.call(`${base}/${method}`, { "content-type": type }, "{}");
    expect(status).toBe(415);
    expect(body.toString()).toContain(`does not take the content type ${type}; use ${accepted}`);
    expect(String(headers["accept-post"]).split(", ")).toContain(accepted);
  });

  test.each([
    ["PUT", "Greet", "POST, GET"],
    ["PUT", "Chat", "POST"],
    ["GET", "Collect", "POST"],
    ["GET", "GreetMany", "POST"],
    ["DELETE", "GreetMany", "POST"],
  ])("is 405 with the methods that work: %s %s", async (method, name, allow) => {
    const { status, headers, json: error } = await raw.call(`${base}/${name}`, { ":method": method });
    expect([status, headers["allow"]]).toEqual([405, allow]);
    // The code that the Connect protocol gives to this HTTP status.
    expect(error).toEqual({
      code: "unknown",
      message: `${base}/${name} does not take ${method}; use ${allow}`,
    });
  });

  test("says what a GET lacks", async () => {
    const { status, json: error } = await raw.call(`${base}/Greet`, { ":method": "GET" });
    expect(status).toBe(415);
    expect(error?.message).toContain("?connect=v1&encoding=json&message=");
  });

  test("is 505 when it streams both ways over HTTP/1.1", async () => {
    using tcp = new RawTcp(server.port);
    tcp.send(`POST ${base}/Chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/connect+json\r\ncontent-length: 0\r\n\r\n`);
    // Clients that expect to stream both ways must not be left waiting.
    await tcp.closed;
    expect(tcp.received).toMatch(/^HTTP\/1\.1 505 /);
    expect(tcp.received).toContain("streams in both directions; use HTTP/2");
  });
});

describe("a timeout", () => {
  test.each(["-5", "99999999999", "soon", "1.5"])("that makes no sense is invalid_argument: %s", async (timeout) => {
    const { status, json: error } = await raw.call(`${base}/Greet`, { ...json, "connect-timeout-ms": timeout }, "{}");
    expect([status, error?.code]).toEqual([400, "invalid_argument"]);
    expect(error?.message).toContain(timeout);
  });

  test.each(["-1S", "1X", "soon", "123456789S"])("that makes no sense is invalid_argument over gRPC: %s", async (timeout) => {
    const answered = await raw.call(`${base}/Greet`, { ...grpc, "grpc-timeout": timeout }, envelope(""));
    expect(grpcStatus(answered)).toEqual([200, Code.InvalidArgument, expect.stringContaining(timeout)]);
  });

  test("that is huge is cut, and the call works", async () => {
    const connect = await raw.call(`${base}/Greet`, { ...json, "connect-timeout-ms": "9999999999" }, "{}");
    expect([connect.status, connect.json?.message]).toEqual([200, "hello world"]);
    const answered = await raw.call(`${base}/Greet`, { ...grpc, "grpc-timeout": "99999999H" }, envelope(""));
    expect(grpcStatus(answered).slice(0, 2)).toEqual([200, 0]);
    const streamed = await raw.call(`${base}/GreetMany`, { ...stream, "connect-timeout-ms": "9999999999" }, envelope("{}"));
    expect(streamed.body.toString()).toContain("hello world");
  });

  test("that is over is deadline_exceeded", async () => {
    const connect = await raw.call(`${base}/Greet`, { ...json, "connect-timeout-ms": "0" }, "{}");
    expect([connect.status, connect.json?.code]).toEqual([504, "deadline_exceeded"]);
    const answered = await raw.call(`${base}/Greet`, { ...grpc, "grpc-timeout": "0n" }, envelope(""));
    expect(grpcStatus(answered).slice(0, 2)).toEqual([200, Code.DeadlineExceeded]);
  });

  test("also ends the wait for a request that never arrives completely", async () => {
    const connect = raw.open(`${base}/Greet`, { ...json, "connect-timeout-ms": "100" });
    connect.write('{"name":');
    const unary = await answer(connect);
    expect([unary.status, unary.json?.code]).toEqual([504, "deadline_exceeded"]);
    expect(unary.json?.message).toContain("did not arrive completely");
    const rpc = raw.open(`${base}/Greet`, { ...grpc, "grpc-timeout": "100m" });
    rpc.write(envelope("").subarray(0, 3));
    expect(grpcStatus(await answer(rpc)).slice(0, 2)).toEqual([200, Code.DeadlineExceeded]);
  });
});

describe("headers over the limit", () => {
  test("are 431 over HTTP/1.1", async () => {
    using tcp = new RawTcp(server.port);
    tcp.send(`GET /livez HTTP/1.1\r\nhost: x\r\nx-large: ${"x".repeat(17_000)}\r\n\r\n`);
    await tcp.closed;
    expect(tcp.received).toMatch(/^HTTP\/1\.1 431 /);
  });

  test.each([
    ["too many", Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`x-${at}`, "x"]))],
    ["too large", { "x-large": "x".repeat(20_000) }],
  ])("are reset over HTTP/2, the connection is not: %s", async (_what, headers) => {
    // The limits hold once the client knows of them.
    await raw.call("/livez", { ":method": "GET" });
    const { status, reset } = await raw.call("/livez", { ":method": "GET", ...headers });
    expect([status, reset]).toEqual([undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM]);
  });
});
