import { once } from "node:events";
import { request } from "node:http";
import { constants } from "node:http2";
import type { ClientHttp2Stream } from "node:http2";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, implement } from "../../src/index.ts";
import { until, within } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { envelope, RawHttp2 } from "../support/raw-http2.ts";
import { RawTcp } from "../support/raw-tcp.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const base = "/greet.v1.GreetService";
const json = { "content-type": "application/json" };
const stream = { "content-type": "application/connect+json" };
const grpc = { "content-type": "application/grpc", te: "trailers" };
const firstBytesTimeoutMs = 150;

let server: StartedMesh;
/** What handlers have lived through, in order. */
let events: string[] = [];

const hanging = component({
  name: "greeter",
  services: [
    implement(
      GreetService,
      {
        async greet({ name }, { signal }) {
          if (name === "Ada") return { message: "hello Ada" };
          events.push("greet runs");
          await once(signal, "abort");
          events.push("greet aborted");
          throw signal.reason;
        },
        async *greetMany(_request, { signal }) {
          events.push("greetMany runs");
          yield { index: 1 };
          await once(signal, "abort");
          events.push("greetMany aborted");
        },
        async collect(requests) {
          try {
            for await (const { name } of requests) events.push(`collect got ${name}`);
            events.push("collect saw the end");
          } catch (error) {
            events.push(`collect failed: ${String(error)}`);
            throw error;
          }
          return {};
        },
      },
      { partial: true },
    ),
  ],
});

beforeAll(async () => {
  server = await startMesh({ components: [hanging], limits: { firstBytesTimeoutMs } }, ({ http }) => {
    http.get("/slow", (request) => once(request.raw, "close"));
  });
});

beforeEach(() => {
  events = [];
});

afterEach(async () => {
  using raw = new RawHttp2(server.address);
  const after = await raw.call(`${base}/Greet`, json, '{"name":"Ada"}');
  expect(after.json).toEqual({ message: "hello Ada" });
});

afterAll(() => server.mesh.close());

describe("a connection", () => {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  test.each([
    ["says nothing", ""],
    ["says too little", "P"],
    ["stops in the middle of the preface", preface.slice(0, 16)],
    ["sends the preface and no settings", preface],
  ])("that %s is closed after a time", async (_what, bytes) => {
    using tcp = new RawTcp(server.port);
    const start = performance.now();
    tcp.send(bytes);
    await within(() => tcp.closed, { what: "the end of the connection" });
    expect(performance.now() - start).toBeGreaterThan(firstBytesTimeoutMs * 0.9);
  });

  test.each([
    ["garbage", Buffer.from([0x00, 0x01, 0x02, 0xff, 0xfe, 0x0d, 0x0a, 0x0d, 0x0a])],
    ["the beginning of TLS", Buffer.from("16030100ff010000fb0303", "hex")],
    ["a preface that goes wrong", "PRI * HTTP/2.0\r\n\r\nNO\r\n\r\n"],
    ["HTTP/1.1 with a body that is none", `POST ${base}/Greet HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`],
  ])("that sends %s gets 400 and is closed", async (_what, bytes) => {
    using tcp = new RawTcp(server.port);
    tcp.send(bytes);
    await within(() => tcp.closed, { what: "the end of the connection" });
    expect(tcp.received).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("that sends the preface and then garbage is closed", async () => {
    using tcp = new RawTcp(server.port);
    tcp.send(preface).send("no frame at all, but long enough to be read as one");
    await within(() => tcp.closed, { what: "the end of the connection" });
  });

  test("may take its time between two bytes", async () => {
    using tcp = new RawTcp(server.port);
    tcp.socket.setNoDelay();
    for (const byte of "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") {
      tcp.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await within(() => tcp.closed, { what: "the answer" });
    expect(tcp.received).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("a caller that goes in the middle of a call", () => {
  const codes = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "CANCEL", "ENHANCE_YOUR_CALM"] as const;

  test.each(codes)("with the reset %s aborts the handler's signal", async (code) => {
    using raw = new RawHttp2(server.address);
    const unary = raw.open(`${base}/Greet`, json);
    unary.end("{}");
    await until(() => events.includes("greet runs"));
    unary.close(constants[`NGHTTP2_${code}`]);
    await until(() => events.includes("greet aborted"));

    const streaming = raw.open(`${base}/GreetMany`, grpc);
    streaming.end(envelope(""));
    await once(streaming, "data");
    streaming.close(constants[`NGHTTP2_${code}`]);
    await until(() => events.includes("greetMany aborted"));
  });

  test("by ending its HTTP/2 connection aborts the handler's signal", async () => {
    const raw = new RawHttp2(server.address);
    raw.open(`${base}/Greet`, json).end("{}");
    await until(() => events.includes("greet runs"));
    raw[Symbol.dispose]();
    await until(() => events.includes("greet aborted"));
  });

  test("by ending its HTTP/1.1 connection aborts the handler's signal", async () => {
    const { port } = server;
    const call = request({ port, method: "POST", path: `${base}/Greet`, headers: json });
    call.on("error", () => {});
    call.end("{}");
    await until(() => events.includes("greet runs"));
    call.destroy();
    await until(() => events.includes("greet aborted"));
  });
});

describe("a caller that goes in the middle of an upload", () => {
  const canceled = "collect failed: ConnectError: [canceled] the caller ended the call before it was answered";

  test.each<readonly [string, (upload: ClientHttp2Stream, raw: RawHttp2) => void]>([
    // A write that is under way keeps Node from ending the upload before it resets it.
    ["a reset", (upload) => { upload.write(Buffer.alloc(0)); upload.close(constants.NGHTTP2_CANCEL); }],
    ["a reset without an error", (upload) => { upload.destroy(); }],
    ["the end of the connection", (_upload, raw) => { raw[Symbol.dispose](); }],
  ])("with %s is not taken for one that has finished", async (_how, go) => {
    using raw = new RawHttp2(server.address);
    const upload = raw.open(`${base}/Collect`, stream);
    upload.write(envelope('{"name":"Ada"}'));
    await until(() => events.includes("collect got Ada"));
    go(upload, raw);
    await until(() => events.length === 2);
    expect(events).toEqual(["collect got Ada", canceled]);
  });

  test("over HTTP/1.1 is not taken for one that has finished", async () => {
    const { port } = server;
    const upload = request({ port, method: "POST", path: `${base}/Collect`, headers: stream });
    upload.on("error", () => {});
    upload.write(envelope('{"name":"Ada"}'));
    await until(() => events.includes("collect got Ada"));
    upload.destroy();
    await until(() => events.length === 2);
    expect(events).toEqual(["collect got Ada", canceled]);
  });

  test("of a unary call never runs the handler", async () => {
    using raw = new RawHttp2(server.address);
    const upload = raw.open(`${base}/Greet`, { "content-type": "application/proto" });
    upload.write("\u000a\u0003Eve");
    // Another call on the same connection is answered after the first was seen.
    await raw.call(`${base}/Greet`, json, '{"name":"Ada"}');
    upload.destroy();
    await raw.call(`${base}/Greet`, json, '{"name":"Ada"}');
    expect(events).toEqual([]);
  });

  test.each([`${base}/Nope`, "/none.v1.None/Nope", "/slow"])("harms nobody at %s", async (path) => {
    using raw = new RawHttp2(server.address);
    for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_PROTOCOL_ERROR]) {
      for (const headers of [json, grpc, { ":method": "GET" }]) {
        const upload = raw.open(path, headers);
        upload.write("{");
        await new Promise((resolve) => setImmediate(resolve));
        upload.close(code);
      }
    }
    await raw.call(`${base}/Greet`, json, '{"name":"Ada"}');
  });
});
