import { once } from "node:events";
import { constants } from "node:http2";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, staticRegistry } from "../../src/index.ts";
import { until, within } from "../../src/testing/until.ts";
import { answered, frame, goaway, headers, rawFrames } from "../support/http2-frames.ts";
import { startMesh } from "../support/mesh.ts";
import { othersAreServed } from "../support/others-are-served.ts";
import { RawHttp2, answer, envelope } from "../support/raw-http2.ts";
import type { RawAnswer } from "../support/raw-http2.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const path = "/greet.v1.GreetService/Greet";
const json = { "content-type": "application/json" };
const calm = constants.NGHTTP2_ENHANCE_YOUR_CALM;

describe("a caller that sends PINGs", () => {
  test("too often is turned away", async () => {
    await using server = await startMesh();
    using tcp = rawFrames(server.port);
    for (let n = 0; n < 4; n++) tcp.send(frame(6, 0, 0, Buffer.alloc(8)));
    await within(() => tcp.closed, { what: "the end of the connection" });
    expect(goaway(tcp.received)).toEqual([calm, "too_many_pings"]);
  });

  test("three times, or as often as it may, stays", async () => {
    await using server = await startMesh();
    using three = rawFrames(server.port);
    for (let n = 0; n < 2; n++) three.send(frame(6, 0, 0, Buffer.alloc(8)));
    expect(await answered(three)).toBe(true);
    await using patient = await startMesh({ limits: { minPingIntervalMs: 0 } });
    using many = rawFrames(patient.port);
    for (let n = 0; n < 100; n++) many.send(frame(6, 0, 0, Buffer.alloc(8)));
    expect(await answered(many)).toBe(true);
  });

  test("between answers stays", async () => {
    await using server = await startMesh();
    using raw = new RawHttp2(server.address);
    for (let n = 0; n < 10; n++) {
      await raw.call(path, json, '{"name":"Ada"}');
      await new Promise((resolve) => raw.session.ping(resolve));
    }
    expect((await raw.call(path, json, '{"name":"Ada"}')).status).toBe(200);
  });
});

test("PINGs among much data, by which callers measure their connection, are no flood", async () => {
  await using server = await startMesh();
  using raw = new RawHttp2(server.address);
  const type = { "content-type": "application/connect+json" };
  const upload = raw.open("/greet.v1.GreetService/Collect", type);
  const done = answer(upload);
  for (let n = 0; n < 12; n++) {
    upload.write(envelope(JSON.stringify({ name: "x".repeat(8_000) })));
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => raw.session.ping(resolve));
  }
  upload.end();
  expect((await done).status).toBe(200);
});

describe("a caller that sends settings", () => {
  test.each([[60, [calm, "too_many_settings"]], [20, undefined]])("%i times in a row ends with %o", async (count, end) => {
    await using server = await startMesh();
    using tcp = rawFrames(server.port);
    for (let n = 0; n < count; n++) tcp.send(frame(4, 0, 0));
    if (end === undefined) expect(await answered(tcp)).toBe(true);
    else await within(() => tcp.closed, { what: "the end of the connection" });
    expect(goaway(tcp.received)).toEqual(end);
  });
});

test("a caller that sends parts of nothing is turned away", async () => {
  await using server = await startMesh();
  using tcp = rawFrames(server.port);
  tcp.send(headers(1, path, "application/json", false));
  for (let n = 0; n < 1_100; n++) tcp.send(frame(0, 0, 1));
  await within(() => tcp.closed, { what: "the end of the connection" });
  await othersAreServed(server);
});

describe("256 calls at a time", () => {
  const name = "x".repeat(64_000);
  const limits = { maxConcurrentStreams: 256 };

  test("with 64 kB each way are all answered on one connection", async () => {
    await using server = await startMesh({ limits });
    // Node's clients count what they send as well, and have 10 MB for it.
    using raw = new RawHttp2(server.address, { maxSessionMemory: 1_000 });
    const call = (): Promise<RawAnswer> => raw.call(path, json, JSON.stringify({ name }));
    const answers = await Promise.all(Array.from({ length: 1_024 }, call));
    expect(new Set(answers.map(({ status, reset: code }) => `${status} ${code}`))).toEqual(new Set(["200 0"]));
    expect(answers.every(({ body }) => body.length > 64_000)).toBe(true);
  });

  test.each([[1, limits], [4, {}]])("of a mesh with %i sessions are all answered", async (maxSessions, theirs) => {
    await using server = await startMesh({ limits: theirs });
    const registry = staticRegistry({ "greet.v1.GreetService": [server.address] });
    await using caller = createMesh({ registry, maxSessions, retry: false });
    const greet = caller.client(GreetService, { channel: "protobuf" });
    let left = 1_024;
    await Promise.all(
      Array.from({ length: 256 }, async () => {
        while (left-- > 0) expect((await greet.greet({ name })).message.length).toBeGreaterThan(64_000);
      }),
    );
  });
});

test("100 requests of 1 MB each way are all answered", async () => {
  await using server = await startMesh();
  const name = "x".repeat(1_000_000);
  using raw = new RawHttp2(server.address, { maxSessionMemory: 1_000 });
  const patient = { ...json, "connect-timeout-ms": "60000" };
  const calls = Array.from({ length: 120 }, () => raw.call(path, patient, JSON.stringify({ name })));
  expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]));
});

test("connections beyond the cap are closed as they come", async () => {
  await using server = await startMesh({ limits: { maxConnections: 2 } });
  using first = rawFrames(server.port);
  using second = rawFrames(server.port);
  expect([await answered(first), await answered(second)]).toEqual([true, true]);
  using third = rawFrames(server.port);
  await within(() => third.closed, { what: "the end of the third" });
  first[Symbol.dispose]();
  await until(async () => {
    using next = rawFrames(server.port);
    return await answered(next);
  });
});

test("connections of one address beyond its cap are closed, others are served", async () => {
  await using server = await startMesh({ limits: { maxConnectionsPerAddress: 2 } });
  using first = rawFrames(server.port);
  using second = rawFrames(server.port);
  expect([await answered(first), await answered(second)]).toEqual([true, true]);
  using third = rawFrames(server.port);
  await within(() => third.closed, { what: "the end of the third" });
  const elsewhere = connect({ port: server.port, host: "127.0.0.1", localAddress: "127.0.0.2" });
  try {
    elsewhere.write("GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    const [head] = (await once(elsewhere, "data")) as [Buffer];
    expect(head.toString("latin1")).toMatch(/^HTTP\/1\.1 200 /);
  } finally {
    elsewhere.destroy();
  }
  second[Symbol.dispose]();
  await until(async () => {
    using next = rawFrames(server.port);
    return await answered(next);
  });
});
