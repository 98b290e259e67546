import { constants } from "node:http2";
import { Code, createClient } from "@connectrpc/connect";
import type { Client } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { component, createMesh, implement, reasonOf } from "../../src/index.ts";
import type { Component, MeshOptions } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { contract } from "../contract/contract.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { all, failure, streamOf } from "../support/outcome.ts";
import { envelope, RawHttp2 } from "../support/raw-http2.ts";
import { Stubborn } from "../support/stubborn.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const base = "/greet.v1.GreetService";
const json = { "content-type": "application/json" };

type Greeter = Client<typeof GreetService>;

/** Every way to call a mesh over a wire. */
const wires: ReadonlyArray<readonly [string, (address: string) => Greeter]> = [
  ["Connect over HTTP/1.1", (baseUrl) => createClient(GreetService, createConnectTransport({ baseUrl, httpVersion: "1.1" }))],
  ["Connect over HTTP/2", (baseUrl) => createClient(GreetService, createConnectTransport({ baseUrl, httpVersion: "2" }))],
  ["Connect with JSON", (baseUrl) => createClient(GreetService, createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }))],
  ["gRPC", (baseUrl) => createClient(GreetService, createGrpcTransport({ baseUrl }))],
  ["gRPC-Web", (baseUrl) => createClient(GreetService, createGrpcWebTransport({ baseUrl, httpVersion: "2" }))],
];

async function stubborn(options: MeshOptions, make = (handler: Stubborn): Component => handler.component) {
  const handler = new Stubborn();
  const server = await startMesh({ ...options, components: [make(handler)] });
  onTestFinished(async () => {
    handler.open();
    await server.mesh.close(AbortSignal.abort());
  });
  return { handler, server };
}

/** Names of the calls of a greeter that keep a handler. */
const kinds: ReadonlyArray<readonly [string, (greet: Greeter, signal?: AbortSignal) => Promise<unknown>]> = [
  ["unary", (greet, signal) => greet.greet({ name: "Ada" }, { ...(signal && { signal }) })],
  ["server streams", (greet, signal) => all(greet.greetMany({ name: "Ada" }, { ...(signal && { signal }) }))],
  ["client streams", (greet, signal) => greet.collect(streamOf({ name: "Ada" }), { ...(signal && { signal }) })],
];

describe.each(wires)("over %s", (_wire, clientOf) => {
  describe.each([true, false])("with fastPath %s", (fastPath) => {
    test.each(kinds)("%s beyond the cap get a time to come back, until a handler has ended", async (_kind, call) => {
      const { handler, server } = await stubborn({ fastPath, limits: { maxRunningCalls: 2 } });
      const greet = clientOf(server.address);
      const running = [call(greet), call(greet)];
      await until(() => handler.waiting === 2);
      const error = await failure(call(greet));
      expect(error.code).toBe(Code.ResourceExhausted);
      expect(error.rawMessage).toMatch(/the server has as many running calls as it may \(2\); come back in \d+ ms/);
      expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "OVERLOADED", metadata: { limit: "2" } }]);
      expect(error.findDetails(RetryInfoSchema)).toHaveLength(1);
      expect(error.metadata.get("grpc-retry-pushback-ms")).toMatch(/^\d+$/);
      handler.open();
      await Promise.all(running);
      await call(greet);
      expect(handler.waiting).toBe(3);
    });

    test.each(kinds)("%s within the cap are all answered", async (_kind, call) => {
      const { handler, server } = await stubborn({ fastPath, limits: { maxRunningCalls: 3 } });
      const greet = clientOf(server.address);
      const running = [call(greet), call(greet), call(greet)];
      await until(() => handler.waiting === 3);
      handler.open();
      await Promise.all(running);
    });

    test.each(kinds)("%s that their callers gave up count until their handlers have ended", async (_kind, call) => {
      const { handler, server } = await stubborn({ fastPath, limits: { maxRunningCalls: 2 } });
      const greet = clientOf(server.address);
      const left = new AbortController();
      const given = [failure(call(greet, left.signal)), failure(call(greet, left.signal))];
      await until(() => handler.waiting === 2);
      left.abort();
      for (const { code } of await Promise.all(given)) expect(code).toBe(Code.Canceled);
      expect((await failure(call(greet))).code).toBe(Code.ResourceExhausted);
      handler.open();
      await until(async () => (await call(greet).catch(() => undefined)) !== undefined, { what: "a free place" });
    });
  });
});

describe("the cap of a connection", () => {
  test.each([true, false])("holds for calls that were reset, with fastPath %s, and not for another connection", async (fastPath) => {
    const { handler, server } = await stubborn({ fastPath, limits: { maxConnectionCalls: 3 } });
    using raw = new RawHttp2(server.address);
    for (let n = 1; n <= 3; n++) {
      const stream = raw.open(`${base}/Greet`, json);
      stream.end('{"name":"Ada"}');
      await until(() => handler.waiting === n);
      stream.close(constants.NGHTTP2_CANCEL);
    }
    const refused = await raw.call(`${base}/Greet`, json, '{"name":"Ada"}');
    expect(refused.json).toMatchObject({ code: "resource_exhausted" });
    expect(refused.json?.message).toMatch(/^this connection has as many running calls as it may/);
    // A call that ends at once needs a place, too: whether it does is not known before.
    expect((await raw.call(`${base}/Greet`, json, '{"name":"at once"}')).status).toBe(429);
    using other = new RawHttp2(server.address);
    expect((await other.call(`${base}/Greet`, json, '{"name":"at once"}')).status).toBe(200);
    handler.open();
    await until(async () => (await raw.call(`${base}/Greet`, json, '{"name":"at once"}')).status === 200);
  });

  test("is that of its streams, unless it is set", async () => {
    const { handler, server } = await stubborn({ limits: { maxConcurrentStreams: 2 } });
    using raw = new RawHttp2(server.address);
    for (let n = 1; n <= 2; n++) {
      const stream = raw.open(`${base}/Greet`, json);
      stream.end('{"name":"Ada"}');
      await until(() => handler.waiting === n);
      stream.close(constants.NGHTTP2_CANCEL);
    }
    expect((await raw.call(`${base}/Greet`, json, "{}")).status).toBe(429);
  });

  test("holds for REST and for streams", async () => {
    const { handler, server } = await stubborn({ limits: { maxConnectionCalls: 2 } });
    using raw = new RawHttp2(server.address);
    raw.open("/v1/greet/Ada", { ":method": "GET" }).end();
    raw.open(`${base}/GreetMany`, { "content-type": "application/connect+json" }).end(envelope("{}"));
    await until(() => handler.waiting === 2);
    const rest = await raw.call("/v1/greet/Ada", { ":method": "GET" });
    expect([rest.status, rest.headers["grpc-retry-pushback-ms"]]).toEqual([429, expect.stringMatching(/^\d+$/)]);
  });
});

describe("health and reflection", () => {
  test("answer whatever runs", async () => {
    const { handler, server } = await stubborn({ reflection: true, limits: { maxRunningCalls: 1 }, concurrency: { maxCalls: 1 } });
    const transport = createGrpcTransport({ baseUrl: server.address });
    const running = createClient(GreetService, transport).greet({ name: "Ada" });
    await until(() => handler.waiting === 1);
    expect((await failure(createClient(GreetService, transport).greet({}))).code).toBe(Code.ResourceExhausted);
    expect(await createClient(Health, transport).check({})).toMatchObject({ status: 1 });
    handler.open();
    await running;
  });
});

describe("a concurrency limit", () => {
  const limited = (handler: Stubborn): Component =>
    component({ name: "greeter", services: handler.component.services, concurrency: { maxCalls: 2 } });

  test.each(["local", "protobuf", "grpc"])("of a component holds for all its methods together, over %s", async (channel) => {
    const { handler, server } = await stubborn({}, limited);
    const greet = server.mesh.client(GreetService, { channel, retry: false });
    const running = [greet.greet({ name: "Ada" }), all(greet.greetMany({ name: "Ada" }))];
    await until(() => handler.waiting === 2);
    const error = await failure(greet.collect(streamOf({ name: "Ada" })));
    expect([error.code, error.rawMessage]).toEqual([
      Code.ResourceExhausted,
      expect.stringMatching(/^the component greeter has as many running calls as it may \(2\)/),
    ]);
    expect((await failure(greet.greet({ name: "Ada" }))).code).toBe(Code.ResourceExhausted);
    handler.open();
    await Promise.all(running);
    await until(async () => (await greet.greet({ name: "Ada" }).catch(() => undefined)) !== undefined);
  });

  test.each(["local", "protobuf"])("of the contract holds for its method, over %s", async (channel) => {
    const service = contract({ method: { concurrency: { maxCalls: 1 } } });
    let open: () => void = () => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    const methods: Record<string, () => Promise<object>> = { do: async () => { await opened; return {}; } };
    const of = component({ name: "t", services: [implement(service, methods as never)] });
    await using server = await startMesh({ components: [of] });
    const client = server.mesh.client(service, { channel, retry: false }) as unknown as Record<"do", (message: object) => Promise<unknown>>;
    const first = client.do({});
    // Whichever of the two comes first gets the place.
    const second = client.do({});
    const refused = await Promise.race([failure(first), failure(second)].map((call) => call.catch(() => new Promise<never>(() => {}))));
    expect(refused.code).toBe(Code.ResourceExhausted);
    expect(refused.rawMessage).toMatch(/^t\.S\/Do runs as often as it may \(1\)/);
    open();
    expect((await Promise.allSettled([first, second])).map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await client.do({});
  });

  test("of the mesh holds for calls from outside, not for those within the process", async () => {
    const { handler, server } = await stubborn({ concurrency: { maxCalls: 1, adaptive: true } });
    const greet = createClient(GreetService, createConnectTransport({ baseUrl: server.address, httpVersion: "2" }));
    const running = greet.greet({ name: "Ada" });
    await until(() => handler.waiting === 1);
    const error = await failure(greet.greet({ name: "Ada" }));
    expect(error.rawMessage).toMatch(/^the server has as many running calls as it can bear now \(1\)/);
    const local = server.mesh.client(GreetService, { channel: "local" });
    expect((await local.greet({ name: "at once" })).message).toBe("hello");
    handler.open();
    await running;
  });

  test("that makes no sense is an error when it is made", () => {
    const { services } = new Stubborn().component;
    const made = (): unknown => component({ name: "greeter", services, concurrency: { maxCalls: 0 } });
    expect(made).toThrow(/the options of component greeter set concurrency\.maxCalls to 0/);
    const mesh = (): unknown => createMesh({ concurrency: { maxCalls: 2, minCalls: 3 } });
    expect(mesh).toThrow(/the options of the mesh set concurrency\.minCalls to 3: it must be at most/);
    try {
      mesh();
    } catch (error) {
      expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
    }
  });
});

/** A greeter in which more than a few calls at a time take ever longer. */
function crowded(): { readonly of: Component; readonly most: () => number } {
  let running = 0;
  let most = 0;
  const of = component({
    name: "greeter",
    concurrency: { adaptive: true, maxCalls: 64, minCalls: 2 },
    services: [
      implement(
        GreetService,
        {
          async greet() {
            running++;
            most = Math.max(most, running);
            await new Promise((resolve) => setTimeout(resolve, 2 + (running > 8 ? running * 10 : 0)));
            running--;
            return {};
          },
        },
        { partial: true },
      ),
    ],
  });
  return { of, most: () => most };
}

test("an adaptive limit refuses what would only queue", async () => {
  const { of, most } = crowded();
  await using server: StartedMesh = await startMesh({ components: [of] });
  const greet = createClient(GreetService, createConnectTransport({ baseUrl: server.address, httpVersion: "2" }));
  let refused = 0;
  let answered = 0;
  const end = performance.now() + 3_000;
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      await greet.greet({}).then(
        () => answered++,
        async () => {
          refused++;
          await new Promise((resolve) => setTimeout(resolve, 20));
        },
      );
    }
  };
  await Promise.all(Array.from({ length: 60 }, worker));
  expect(refused).toBeGreaterThan(0);
  expect(answered).toBeGreaterThan(0);
  expect(most()).toBeLessThan(60);
});
