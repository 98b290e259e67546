import { once } from "node:events";
import { constants } from "node:http2";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, createMesh, implement, staticRegistry } from "../../src/index.ts";
import type { Component, MeshOptions } from "../../src/index.ts";
import { until, within } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { answer, envelope, RawHttp2 } from "../support/raw-http2.ts";
import { RawTcp } from "../support/raw-tcp.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const base = "/greet.v1.GreetService";
const json = { "content-type": "application/json" };
const stream = { "content-type": "application/connect+json" };
const quick = 200;
/** Long enough for what is quick to have happened many times. */
const long = 1_500;

/** What handlers have lived through. */
let events: string[] = [];
/** Ends handlers that wait, when a test is over. */
let over: AbortController;

beforeEach(() => {
  events = [];
  over = new AbortController();
});

afterEach(() => {
  over.abort();
});

function greeter(): Component {
  const wait = async (signal: AbortSignal): Promise<void> => {
    const either = AbortSignal.any([signal, over.signal]);
    if (!either.aborted) await once(either, "abort");
    events.push("ended");
  };
  return component({
    name: "greeter",
    services: [
      implement(
        GreetService,
        {
          greet: ({ name }) => ({ message: name === "" ? "x".repeat(2_000_000) : name }),
          async *greetMany({ name }, { signal }) {
            yield { index: 1 };
            if (name === "much") for (let index = 2; ; index++) yield { index, message: "x".repeat(20_000) };
            await wait(signal);
          },
          async collect(requests) {
            try {
              for await (const { name } of requests) events.push(name);
            } finally {
              events.push("ended");
            }
            return {};
          },
        },
        { partial: true },
      ),
    ],
  });
}

async function start(options: MeshOptions): Promise<StartedMesh> {
  const server = await startMesh({ components: [greeter()], ...options }, ({ http }) => {
    http.get("/big", () => Buffer.alloc(64_000_000));
  });
  onTestFinished(() => server.mesh.close(AbortSignal.abort()));
  return server;
}

/** Whether something has happened once there was plenty of time for it. */
async function within1500(happens: Promise<unknown>): Promise<boolean> {
  return Promise.race([happens.then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, long, false))]);
}

/** HTTP/2 that reads nothing of any answer. */
function unreading(server: StartedMesh): RawHttp2 {
  const raw = new RawHttp2(server.address, { settings: { initialWindowSize: 0 } });
  onTestFinished(() => { raw[Symbol.dispose](); });
  return raw;
}

describe("an answer that nobody reads", () => {
  test("of a unary call is dropped some time after its deadline", async () => {
    const server = await start({ limits: { slowAnswerTimeoutMs: quick } });
    const call = unreading(server).call(`${base}/Greet`, { ...json, "connect-timeout-ms": "100" }, "{}");
    expect((await within(() => call)).reset).toBe(constants.NGHTTP2_CANCEL);
  });

  test.each([
    ["the deadline has not come", "60000", quick],
    ["there is more time", "100", 60_000],
  ])("of a unary call stays while %s", async (_what, deadline, slowAnswerTimeoutMs) => {
    const server = await start({ limits: { slowAnswerTimeoutMs } });
    const call = unreading(server).call(`${base}/Greet`, { ...json, "connect-timeout-ms": deadline }, "{}");
    expect(await within1500(call)).toBe(false);
  });

  test("is not dropped while it is read, however slowly", async () => {
    const server = await start({ limits: { slowAnswerTimeoutMs: 500 } });
    using raw = new RawHttp2(server.address, { settings: { initialWindowSize: 10_000 } });
    const request = raw.open(`${base}/Greet`, { ...json, "connect-timeout-ms": "100" });
    request.on("readable", () => {});
    request.end("{}");
    // A little each time: all of it takes several times as long as nothing may be read.
    let size = 0;
    const begunMs = performance.now();
    const timer = setInterval(() => { size += (request.read() as Buffer | null)?.length ?? 0; }, 100);
    await within(() => once(request, "close"), { timeoutMs: 20_000 });
    clearInterval(timer);
    expect([size > 2_000_000, request.rstCode]).toEqual([true, constants.NGHTTP2_NO_ERROR]);
    expect(performance.now() - begunMs).toBeGreaterThan(1_000);
  });

  test("of a stream is dropped, and its handler hears of it", async () => {
    const server = await start({ limits: { idleStreamTimeoutMs: quick } });
    const request = unreading(server).open(`${base}/GreetMany`, stream);
    const done = answer(request);
    request.end(envelope('{"name":"much"}'));
    expect((await within(() => done)).reset).toBe(constants.NGHTTP2_CANCEL);
  });

  test("over HTTP/1.1 ends its connection", async () => {
    const server = await start({ limits: { slowAnswerTimeoutMs: quick } });
    using tcp = new RawTcp(server.port);
    tcp.socket.pause();
    tcp.send("GET /big HTTP/1.1\r\nhost: x\r\n\r\n");
    using other = new RawTcp(server.port);
    // What was not read is gone; the rest would be waited for in vain.
    await until(async () => {
      const open = await new Promise<number>((resolve, reject) => {
        server.mesh.http.server.getConnections((error, count) => { if (error === null) resolve(count); else reject(error); });
      });
      return open === 1 && !other.socket.destroyed;
    }, { what: "the end of the connection" });
  });

  test("over HTTP/1.1 stays while there is time", async () => {
    const server = await start({});
    using tcp = new RawTcp(server.port);
    tcp.socket.pause();
    tcp.send("GET /big HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await within1500(tcp.closed)).toBe(false);
  });
});

describe("a stream on which nothing moves", () => {
  test("is dropped while its request is not complete", async () => {
    const server = await start({ limits: { idleStreamTimeoutMs: quick } });
    using raw = new RawHttp2(server.address);
    const request = raw.open(`${base}/Collect`, stream);
    const done = answer(request);
    request.write(envelope('{"name":"Ada"}'));
    expect((await within(() => done)).reset).toBe(constants.NGHTTP2_CANCEL);
    await until(() => events.includes("ended"));
    expect(events).toEqual(["Ada", "ended"]);
  });

  test("stays when only the server is silent", async () => {
    const server = await start({ limits: { idleStreamTimeoutMs: quick } });
    using raw = new RawHttp2(server.address);
    const request = raw.open(`${base}/GreetMany`, stream);
    const done = answer(request);
    request.end(envelope("{}"));
    expect(await within1500(done)).toBe(false);
  });

  test("stays while parts of its request come", async () => {
    const server = await start({ limits: { idleStreamTimeoutMs: 500 } });
    using raw = new RawHttp2(server.address);
    const request = raw.open(`${base}/Collect`, stream);
    const done = answer(request);
    const timer = setInterval(() => request.write(envelope('{"name":"Ada"}')), 50);
    expect(await within1500(done)).toBe(false);
    clearInterval(timer);
  });
});

describe("a connection", () => {
  test("without calls is told to go", async () => {
    const server = await start({ limits: { idleConnectionTimeoutMs: quick } });
    using raw = new RawHttp2(server.address);
    const left = once(raw.session, "goaway") as Promise<[code: number]>;
    expect((await within(() => left))[0]).toBe(constants.NGHTTP2_NO_ERROR);
  });

  test("with a call, or with more time, is not", async () => {
    const server = await start({ limits: { idleConnectionTimeoutMs: quick } });
    using raw = new RawHttp2(server.address);
    raw.open(`${base}/GreetMany`, stream).end(envelope("{}"));
    expect(await within1500(once(raw.session, "goaway"))).toBe(false);
    const other = await start({});
    using idle = new RawHttp2(other.address);
    expect(await within1500(once(idle.session, "goaway"))).toBe(false);
  });

  test("that is old is told to go, and its calls finish", async () => {
    const server = await start({ limits: { maxConnectionAgeMs: quick } });
    using raw = new RawHttp2(server.address);
    const request = raw.open(`${base}/GreetMany`, stream);
    const done = answer(request);
    request.end(envelope("{}"));
    await within(() => once(raw.session, "goaway"));
    expect(events).toEqual([]);
    over.abort();
    expect((await within(() => done)).reset).toBe(constants.NGHTTP2_NO_ERROR);
  });

  test.each([
    ["has vanished ends its calls", { keepaliveIntervalMs: 100, keepaliveTimeoutMs: 200 }, true],
    ["has vanished is not noticed without keepalive", {}, false],
  ])("whose caller %s", async (_what, limits, noticed) => {
    const server = await start({ limits });
    await using proxy = await TcpProxy.to(server.port);
    using raw = new RawHttp2(proxy.address);
    const request = raw.open(`${base}/GreetMany`, stream);
    request.end(envelope("{}"));
    await once(request, "data");
    proxy.vanish();
    expect(await within1500(until(() => events.includes("ended")).catch(() => new Promise(() => {})))).toBe(noticed);
  });
});

test("a mesh with idle callers closes without waiting for them", async () => {
  const tookMs: number[] = [];
  for (let round = 0; round < 3; round++) {
    const server = await start({});
    await using caller = createMesh({ registry: staticRegistry({ greeter: [server.address] }) });
    await caller.client(GreetService, { channel: "protobuf" }).greet({ name: "Ada" });
    using raw = new RawHttp2(server.address);
    await once(raw.session, "remoteSettings");
    const begunMs = performance.now();
    await server.mesh.close();
    tookMs.push(performance.now() - begunMs);
  }
  // It used to wait 200 ms for an answer that Node does not read.
  expect(Math.min(...tookMs)).toBeLessThan(150);
});
