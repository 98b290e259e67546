import { once } from "node:events";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import fastify from "fastify";
import type { FastifyInstance } from "fastify";
import { describe, expect, onTestFinished, test } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, memory, meshPlugin, reasonOf } from "../../src/index.ts";
import type { Mesh, MeshOptions } from "../../src/index.ts";
import { until, within } from "../../src/testing/until.ts";
import { expectAllKinds } from "../support/all-kinds.ts";
import { failure } from "../support/outcome.ts";
import { RawHttp2 } from "../support/raw-http2.ts";
import { RawTcp } from "../support/raw-tcp.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const json = { "content-type": "application/json" };
const greetPath = "/greet.v1.GreetService/Greet";

interface Mounted {
  readonly app: FastifyInstance;
  readonly mesh: Mesh;
  readonly id: string;
  readonly port: number;
  readonly address: string;
}

/** An app that existed before the mesh, with the mesh mounted in it, listening. */
async function mounted(
  options: MeshOptions = {},
  prepare: (app: FastifyInstance) => void = () => {},
): Promise<Mounted> {
  const of = greeter();
  const mesh = createMesh({ registry: memory(), components: [of], ...options, drain: { drainDelayMs: 0, ...options.drain } });
  const app = fastify();
  prepare(app);
  await app.register(meshPlugin, { mesh });
  await app.listen({ port: 0, host: "127.0.0.1" });
  await mesh.start();
  onTestFinished(async () => {
    await mesh.close();
    await app.close();
  });
  const bound = app.server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  return { app, mesh, id: mesh.instanceId(of) ?? "", port, address: `http://127.0.0.1:${port}` };
}

async function instances({ registry }: MeshOptions) {
  const target = { service: GreetService.typeName };
  for await (const { instances } of registry?.watch(target, AbortSignal.timeout(5_000)) ?? []) {
    return instances;
  }
  return [];
}

describe("a mesh in a Fastify app", () => {
  test("serves every wire on the app's port", async () => {
    const { address: baseUrl, id } = await mounted();
    for (const transport of [
      createConnectTransport({ baseUrl, httpVersion: "2" }),
      createGrpcTransport({ baseUrl }),
      createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
    ]) {
      await expectAllKinds(createClient(GreetService, transport), { id });
    }
    for (const transport of [
      createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
      createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
    ]) {
      await expectAllKinds(createClient(GreetService, transport), { id, bidi: false });
    }
  });

  test("is registered once the app listens, at the app's address, and leaves when it closes", async () => {
    const registry = memory();
    const { mesh, id, address } = await mounted({ registry });
    expect(mesh.address).toBe(address);
    expect(await instances({ registry })).toMatchObject([{ id, channels: { grpc: address } }]);
    const caller = createMesh({ registry });
    expect((await caller.client(GreetService).greet({})).instance).toBe(id);
    await mesh.close();
    expect(await instances({ registry })).toEqual([]);
    await caller.close();
  });

  test("lets the app's hooks run around RPCs, and end them", async () => {
    const paths: string[] = [];
    const { address } = await mounted({}, (app) => {
      app.addHook("onRequest", async (request, reply) => {
        paths.push(request.url);
        if (request.headers["x-forbidden"] !== undefined) return reply.code(403).send({ no: true });
        return undefined;
      });
    });
    using raw = new RawHttp2(address);
    expect((await raw.call(greetPath, json, "{}")).status).toBe(200);
    const forbidden = await raw.call(greetPath, { ...json, "x-forbidden": "1" }, "{}");
    expect([forbidden.status, forbidden.body.toString()]).toEqual([403, '{"no":true}']);
    expect(paths).toEqual([greetPath, greetPath]);
  });

  test("leaves the app's routes, parsers and health endpoints alone", async () => {
    const { address } = await mounted({}, (app) => {
      app.addContentTypeParser("text/shout", { parseAs: "string" }, (_request, text, done) => {
        done(null, String(text).toUpperCase());
      });
      app.post("/echo", async (request) => ({ got: request.body }));
      app.get("/health", async () => "mine");
    });
    const post = (type: string, body: string) =>
      fetch(`${address}/echo`, { method: "POST", headers: { "content-type": type }, body });
    expect(await (await post("application/json", '{"a":1}')).json()).toEqual({ got: { a: 1 } });
    expect(await (await post("text/shout", "hello")).json()).toEqual({ got: "HELLO" });
    expect((await post("application/unknown", "")).status).toBe(415);
    expect(await (await fetch(`${address}/health`)).text()).toBe("mine");
    expect(await (await fetch(`${address}/readyz`)).json()).toMatchObject({ status: "pass" });
    using raw = new RawHttp2(address);
    expect((await raw.call("/echo", json, '{"a":1}')).body.toString()).toBe('{"got":{"a":1}}');
  });

  test.each([
    ["/greet.v1.GreetService/Nope", "no method at"],
    ["/greet.v1.GreetService/Greet/more", "not found"],
    ["/greet%2Ev1.GreetService/Greet", "not found"],
    ["/greet.v1.GreetService/", "no method at"],
    ["/greet.v1.GreetService", "not found"],
  ])("answers 404 for %s", async (path, message) => {
    const { address } = await mounted();
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(`${address}${path}`, { method: "POST", headers: json, body: "{}", signal });
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain(message);
  });
});

describe("the end of a mesh in a Fastify app", () => {
  /** Connections that an app's close would wait for in vain. */
  async function linger({ address, port }: Mounted): Promise<void> {
    const idle = new RawHttp2(address);
    const silent = new RawTcp(port);
    onTestFinished(() => {
      idle[Symbol.dispose]();
      silent[Symbol.dispose]();
    });
    await idle.call(greetPath, json, "{}");
    if (silent.socket.connecting) await once(silent.socket, "connect");
  }

  test.each<readonly [string, (of: Mounted) => Promise<unknown>]>([
    ["mesh.close() and then app.close()", async (of) => {
      await of.mesh.close();
      await linger(of);
      await of.app.close();
    }],
    ["app.close() alone", ({ app }) => app.close()],
    ["both at the same time", ({ app, mesh }) => Promise.all([mesh.close(), app.close()])],
  ])("comes with %s", async (_how, close) => {
    const of = await mounted();
    await linger(of);
    // Sooner than a connection that says nothing is closed for that.
    await within(() => close(of), { timeoutMs: 5_000, what: "the end" });
    expect([of.mesh.state, of.app.server.listening]).toEqual(["stopped", false]);
    using tcp = new RawTcp(of.port);
    const [error] = (await once(tcp.socket, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
  });

  test("lets a running call finish, and the app answers on", async () => {
    const of = await mounted({}, (app) => app.get("/hello", async () => "hi"));
    const greet = createClient(GreetService, createGrpcTransport({ baseUrl: of.address }));
    const call = greet.collect(
      (async function* () {
        yield { name: "Ada" };
        await until(() => of.mesh.state === "draining");
        yield { name: "Grace" };
      })(),
    );
    await fetch(`${of.address}/hello`);
    const closed = of.mesh.close();
    expect((await call).count).toBe(2);
    await closed;
    expect(await (await fetch(`${of.address}/hello`)).text()).toBe("hi");
    const late = await fetch(`${of.address}${greetPath}`, { method: "POST", headers: json, body: "{}" });
    expect([late.status, await late.json()]).toMatchObject([503, { code: "unavailable" }]);
  });
});

describe("mounting", () => {
  test("a mesh with a port of its own is an error", async () => {
    const mesh = createMesh({ registry: memory(), components: [greeter()], listen: {} });
    const app = fastify();
    const error = await failure(Promise.resolve(app.register(meshPlugin, { mesh })).then(() => app.ready()));
    expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
    expect(error.rawMessage).toContain("created without listen");
    await mesh.close();
  });

  test("a mesh twice is an error", async () => {
    const { mesh } = await mounted();
    const error = await failure(Promise.resolve(fastify().register(meshPlugin, { mesh })));
    expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
    expect(error.rawMessage).toContain("only once");
  });

  test("and starting before the app listens is an error that says what to do", async () => {
    const mesh = createMesh({ registry: memory(), components: [greeter()] });
    const app = fastify();
    await app.register(meshPlugin, { mesh });
    const error = await failure(mesh.start());
    expect(reasonOf(error)).toBe("LISTEN_FAILED");
    expect(error.rawMessage).toContain("app.listen()");
    await app.close();
  });
});
