import { constants } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import type { HandlerContext } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, createMesh, implement, memory, subscribe } from "../../src/index.ts";
import type { Component } from "../../src/index.ts";
import { until, within } from "../../src/testing/until.ts";
import { answered, frame, headers, rawFrames, reset } from "../support/http2-frames.ts";
import { startMesh } from "../support/mesh.ts";
import { othersAreServed } from "../support/others-are-served.ts";
import { RawHttp2, answer } from "../support/raw-http2.ts";
import type { RawTcp } from "../support/raw-tcp.ts";
import { silent } from "../support/silent.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const path = "/greet.v1.GreetService/Greet";
const json = { "content-type": "application/json" };
const resetting = "too_many_resets";
const expelled = { code: constants.NGHTTP2_ENHANCE_YOUR_CALM, text: resetting };

interface GoAway {
  readonly code: number;
  readonly lastStream: number;
  readonly text: string;
}

/** All GOAWAYs among what was received. */
function goaways(received: string): readonly GoAway[] {
  const bytes = Buffer.from(received, "latin1");
  const found: GoAway[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    const payload = bytes.subarray(at + 9, at + 9 + length);
    if (bytes[at + 3] === 7 && payload.length === length) {
      found.push({ code: payload.readUInt32BE(4), lastStream: payload.readUInt32BE(0), text: payload.subarray(8).toString() });
    }
    at += 9 + length;
  }
  return found;
}

/** Requests that are reset at once, in pieces that are read one after the other. */
async function resets(tcp: RawTcp, count: number, target: string, type = "application/json", from = 1): Promise<void> {
  for (let n = 0; n < count && !tcp.socket.destroyed; n += 10) {
    const piece = Array.from({ length: 10 }, (_, at) => from + 2 * (n + at));
    tcp.send(Buffer.concat(piece.flatMap((id) => [headers(id, target, type, false), reset(id)])));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A request that is given up as soon as it is sent. */
async function given(raw: RawHttp2): Promise<void> {
  const stream = raw.open(path, json);
  const done = answer(stream);
  stream.write("{");
  stream.close(constants.NGHTTP2_CANCEL);
  await done;
}

describe("a caller that resets its requests at once", () => {
  test.each([
    ["a unary method", path, "application/json"],
    ["a streaming method", "/greet.v1.GreetService/Collect", "application/connect+json"],
    ["no method", "/nope", "application/json"],
  ])("of %s is turned away", async (_what, target, type) => {
    await using server = await startMesh();
    using tcp = rawFrames(server.port);
    await resets(tcp, 3_000, target, type);
    await within(() => tcp.closed, { what: "the end of the connection" });
    expect(goaways(tcp.received)).toContainEqual(expect.objectContaining(expelled));
    await othersAreServed(server);
  });

  test("starts no more handlers than it may reset", async () => {
    let started = 0;
    await using server = await startMesh({ components: [silent(() => started++)], limits: { maxStreamResets: 50 }, drain: { graceMs: 0 } });
    using tcp = rawFrames(server.port);
    await resets(tcp, 5_000, "/greet.v1.GreetService/Collect", "application/connect+json");
    await within(() => tcp.closed, { what: "the end of the connection" });
    expect(started).toBeLessThan(1_000);
  });

  test("stays where that many may be reset, also more than Node lets be by itself", async () => {
    await using server = await startMesh({ limits: { maxStreamResets: 5_000 } });
    using tcp = rawFrames(server.port);
    await resets(tcp, 3_000, path);
    expect([await answered(tcp), goaways(tcp.received)]).toEqual([true, []]);
  });

  test("stays while as many are answered", async () => {
    let aborted = 0;
    async function* chat(_requests: unknown, { signal }: HandlerContext): AsyncGenerator<never> {
      yield await new Promise<never>((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          aborted++;
          reject(signal.reason as Error);
        });
      });
    }
    const greets = component({ name: "greeter", services: [implement(GreetService, { greet: ({ name }) => ({ message: name }), chat }, { partial: true })] });
    await using server = await startMesh({ components: [greets], limits: { maxStreamResets: 40 } });
    using raw = new RawHttp2(server.address);
    const streaming = { "content-type": "application/connect+json" };
    for (let n = 0; n < 1_500; n++) {
      const given = raw.open("/greet.v1.GreetService/Chat", streaming);
      expect((await raw.call(path, json, '{"name":"Ada"}')).status).toBe(200);
      given.close(constants.NGHTTP2_CANCEL);
    }
    await until(() => aborted === 1_500);
  });
});

describe("a caller whose requests make the server reset them", () => {
  test("is turned away likewise", async () => {
    await using server = await startMesh({ limits: { maxStreamResets: 40 } });
    using tcp = rawFrames(server.port);
    // A window that grows too large is an error of its stream (RFC 9113, section 6.9.1).
    for (let n = 0; n < 300 && !tcp.socket.destroyed; n++) {
      const id = 2 * n + 1;
      tcp.send(Buffer.concat([headers(id, path, "application/json", false), frame(8, 0, id, Buffer.from("7fffffff", "hex"))]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await within(() => tcp.closed, { what: "the end of the connection" });
    // Node itself takes it for an error of the connection.
    expect(goaways(tcp.received).some(({ code }) => code !== constants.NGHTTP2_NO_ERROR)).toBe(true);
    await othersAreServed(server);
  });
});

describe("a connection with too many resets", () => {
  test("lets its other calls finish", async () => {
    let finish = (): void => {};
    const slow = new Promise<void>((resolve) => (finish = resolve));
    const greets = component({
      name: "greeter",
      services: [implement(GreetService, { async greet({ name }, { signal }) {
        const ended = new Promise<never>((_resolve, reject) => { signal.addEventListener("abort", () => { reject(signal.reason as Error); }); });
        await Promise.race([slow, ended]);
        return { message: name };
      } }, { partial: true })],
    });
    await using server = await startMesh({ components: [greets], limits: { maxStreamResets: 50 } });
    using raw = new RawHttp2(server.address);
    const told: object[] = [];
    raw.session.on("goaway", (code, lastStream, data) => {
      told.push({ code, covered: lastStream >= (stream.id ?? Infinity), text: Buffer.from(data ?? []).toString() });
      finish();
    });
    const stream = raw.open(path, json);
    const done = answer(stream);
    stream.end('{"name":"Ada"}');
    for (let n = 0; n < 2_000 && !raw.session.closed; n++) await given(raw);
    const { status, body } = await within(() => done, { what: "the answer" });
    expect([status, body.toString()]).toEqual([200, '{"message":"Ada"}']);
    expect(told[0]).toEqual({ code: constants.NGHTTP2_NO_ERROR, covered: true, text: resetting });
    // Node's clients close when their last stream has ended.
    await until(() => raw.session.destroyed, { what: "the end of the connection" });
  });

  test("takes nothing more, and is ended soon whatever still runs", async () => {
    let started = 0;
    await using server = await startMesh({ components: [silent(() => started++)], limits: { maxStreamResets: 50 }, drain: { graceMs: 0 } });
    using tcp = rawFrames(server.port);
    tcp.send(headers(1, "/greet.v1.GreetService/Chat", "application/connect+json", false));
    await until(() => started === 1);
    await resets(tcp, 500, path, "application/json", 3);
    await until(() => goaways(tcp.received).length > 0);
    const [first] = goaways(tcp.received);
    expect(first).toMatchObject({ code: constants.NGHTTP2_NO_ERROR, text: resetting });
    for (let id = 2_001; id < 2_041; id += 2) tcp.send(headers(id, "/greet.v1.GreetService/Chat", "application/connect+json", false));
    await within(() => tcp.closed, { what: "the end of the connection" });
    expect(goaways(tcp.received)).toContainEqual(expect.objectContaining(expelled));
    expect(started).toBe(1);
  });

  test("takes nothing more of what came in one piece with them", async () => {
    let started = 0;
    await using server = await startMesh({ components: [silent(() => started++)], limits: { maxStreamResets: 50 }, drain: { graceMs: 0 } });
    using tcp = rawFrames(server.port);
    await answered(tcp);
    const flood = Array.from({ length: 200 }, (_, n) => [headers(2 * n + 1, path, "application/json", false), reset(2 * n + 1)]).flat();
    const more = Array.from({ length: 20 }, (_, n) => headers(2 * n + 2_001, "/greet.v1.GreetService/Chat", "application/connect+json", false));
    tcp.send(Buffer.concat([...flood, ...more]));
    await within(() => tcp.closed, { what: "the end of the connection" });
    expect(goaways(tcp.received)).toContainEqual(expect.objectContaining(expelled));
    expect(started).toBe(0);
  });
});

test("hedged calls end no connection to an instance that is slower than others, where all of them are reset", async () => {
  const registry = memory();
  let aborted = 0;
  const answering = (ms: number): Component =>
    component({
      name: "greeter",
      services: [implement(GreetService, { async greet({ name }, { signal }) {
        await delay(ms, undefined, { signal }).catch((error: unknown) => {
          aborted++;
          throw error;
        });
        return { message: name };
      } }, { partial: true })],
    });
  await using stack = new AsyncDisposableStack();
  stack.use(await startMesh({ registry, components: [answering(5)] }));
  stack.use(await startMesh({ registry, components: [answering(2_000)] }));
  const lost: string[] = [];
  onTestFinished(subscribe("peer.lost", ({ error }) => { lost.push(String(error)); }));
  await using caller = createMesh({ registry, retryBudget: { ratio: 100 } });
  const greet = caller.client(GreetService, { hedging: { maxAttempts: 2, delayMs: 0 } });
  let left = 400;
  const run = async (): Promise<void> => {
    while (left-- > 0) expect((await greet.greet({ name: "Ada" })).message).toBe("Ada");
  };
  await Promise.all(Array.from({ length: 10 }, run));
  // Else there was nothing to bear.
  await until(() => aborted > 350);
  expect(lost).toEqual([]);
});
