import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { Code, createClient } from "@connectrpc/connect";
import type { Client } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { reasonOf } from "../../src/index.ts";
import type { DrainOptions } from "../../src/index.ts";
import { until, within } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { all, failure, streamOf } from "../support/outcome.ts";
import { RawTcp } from "../support/raw-tcp.ts";
import { run } from "../support/run.ts";
import { Stubborn } from "../support/stubborn.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const greetPath = "/greet.v1.GreetService/Greet";
const json = { "content-type": "application/json" };

/** Every way to call a mesh, as clients that repeat nothing. */
const wires: ReadonlyArray<readonly [string, (of: StartedMesh) => Client<typeof GreetService>]> = [
  ["Connect over HTTP/1.1", (of) => createClient(GreetService, createConnectTransport({ baseUrl: of.address, httpVersion: "1.1" }))],
  ["Connect over HTTP/2", (of) => createClient(GreetService, createConnectTransport({ baseUrl: of.address, httpVersion: "2" }))],
  ["Connect with JSON", (of) => createClient(GreetService, createConnectTransport({ baseUrl: of.address, httpVersion: "2", useBinaryFormat: false }))],
  ["gRPC", (of) => createClient(GreetService, createGrpcTransport({ baseUrl: of.address }))],
  ["gRPC-Web over HTTP/1.1", (of) => createClient(GreetService, createGrpcWebTransport({ baseUrl: of.address, httpVersion: "1.1" }))],
  ["gRPC-Web over HTTP/2", (of) => createClient(GreetService, createGrpcWebTransport({ baseUrl: of.address, httpVersion: "2" }))],
  ["local", (of) => of.mesh.client(GreetService, { channel: "local" })],
];

/** A mesh whose calls do not end by themselves. */
async function stubborn(drain: Partial<DrainOptions>) {
  const handler = new Stubborn();
  const server = await startMesh({ components: [handler.component], drain });
  onTestFinished(async () => {
    handler.open();
    await server.mesh.close(AbortSignal.abort());
  });
  return { handler, server };
}

/** Resolves once the server takes no more connections. */
async function refusing({ port }: StartedMesh): Promise<void> {
  await until(
    async () => {
      using tcp = new RawTcp(port);
      return await new Promise<boolean>((resolve) => {
        tcp.socket.once("connect", () => { resolve(false); });
        tcp.socket.once("error", ({ code }: NodeJS.ErrnoException) => { resolve(code === "ECONNREFUSED"); });
      });
    },
    { what: "connections to be refused" },
  );
}

describe.each(wires)("a mesh that closes, over %s", (_name, clientOf) => {
  test("lets running calls finish while it refuses connections", async () => {
    const { handler, server } = await stubborn({ graceMs: 20_000 });
    const greet = clientOf(server);
    const unary = greet.greet({ name: "Ada" });
    const stream = all(greet.greetMany({ name: "Ada" }));
    const upload = greet.collect(streamOf({ name: "Ada" }, { name: "Grace" }));
    await until(() => handler.waiting === 3);
    const closed = server.mesh.close();
    await refusing(server);
    expect(server.mesh.state).toBe("draining");
    handler.open();
    expect((await unary).message).toBe("hello Ada");
    expect((await stream).map(({ index }) => index)).toEqual([1, 2]);
    expect((await upload).count).toBe(2);
    await closed;
    expect(server.mesh.state).toBe("stopped");
  });

  test("ends calls after the grace, although their handlers go on", async () => {
    const { handler, server } = await stubborn({ graceMs: 150 });
    const greet = clientOf(server);
    const indexes: number[] = [];
    const calls = [
      greet.collect(streamOf({ name: "Ada" })),
      (async () => {
        for await (const { index } of greet.greetMany({ name: "Ada" })) indexes.push(index);
      })(),
    ].map(failure);
    await until(() => handler.waiting === 2);
    await within(() => server.mesh.close(), { what: "the close" });
    for (const call of calls) {
      const error = await call;
      expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "SHUTTING_DOWN"]);
      expect(error.rawMessage).toContain("try another instance");
    }
    expect(indexes).toEqual([1]);
  });
});

describe("a mesh that closes", () => {
  test("also ends an upload that has not arrived", async () => {
    const { server } = await stubborn({ graceMs: 150 });
    const call = request({ port: server.port, method: "POST", path: greetPath, headers: json });
    call.write("{");
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      call.once("response", resolve).once("error", reject);
    });
    // The next request on another connection is answered after the first was seen.
    await fetch(`${server.address}${greetPath}`, { method: "POST", headers: json, body: '{"name":"at once"}' });
    await within(() => server.mesh.close(), { what: "the close" });
    expect((await response).statusCode).toBe(503);
    call.destroy();
  });

  test("also closes connections that have not said anything yet", async () => {
    const { handler, server } = await stubborn({ graceMs: 20_000 });
    using silent = new RawTcp(server.port);
    const [, clientOf] = wires[0] ?? [];
    const call = clientOf?.(server).greet({ name: "Ada" });
    await until(() => handler.waiting === 1);
    const closed = server.mesh.close();
    await within(() => silent.closed, { timeoutMs: 5_000, what: "the end of the connection" });
    handler.open();
    expect((await call)?.message).toBe("hello Ada");
    await closed;
  });

  test("tells kept HTTP/1.1 connections to close, those with a running call too", async () => {
    const { handler, server } = await stubborn({ graceMs: 20_000, drainDelayMs: 200 });
    const agent = new Agent({ keepAlive: true });
    const call = (name: string) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        const options = { agent, port: server.port, method: "POST", path: greetPath, headers: json };
        request(options, resolve).once("error", reject).end(JSON.stringify({ name }));
      });
    const before = await call("at once");
    before.resume();
    expect(before.headers.connection).toBe("keep-alive");
    const running = call("Ada");
    await until(() => handler.waiting === 1);
    const closed = server.mesh.close();
    await refusing(server);
    handler.open();
    expect((await running).headers.connection).toBe("close");
    (await running).resume();
    await closed;
    agent.destroy();
  });

  test("is not ready in the meantime, but answers", async () => {
    await using server = await startMesh({ drain: { drainDelayMs: 60_000 } });
    const transport = createGrpcTransport({ baseUrl: server.address });
    const health = createClient(Health, transport);
    const ready = async () => (await fetch(`${server.address}/readyz`)).status;
    const service = GreetService.typeName;
    expect([await ready(), (await health.check({ service })).status]).toEqual([200, Status.SERVING]);
    const closed = server.mesh.close();
    await until(async () => (await ready()) === 503);
    for (const name of ["", service]) {
      expect((await health.check({ service: name })).status).toBe(Status.NOT_SERVING);
    }
    expect(await (await fetch(`${server.address}/readyz`)).json()).toMatchObject({
      state: "draining",
      reasons: ["the mesh is draining, not running"],
    });
    expect((await fetch(`${server.address}/livez`)).status).toBe(200);
    const greet = createClient(GreetService, transport);
    expect((await greet.greet({ name: "Ada" })).instance).toBe(server.id);
    await server.mesh.close(AbortSignal.abort());
    await closed;
  });

  test("in a hurry waits for nothing", async () => {
    const { handler, server } = await stubborn({ drainDelayMs: 60_000, graceMs: 60_000 });
    const [, clientOf] = wires[0] ?? [];
    const call = failure(clientOf?.(server).collect(streamOf({ name: "Ada" })) ?? Promise.resolve());
    await until(() => handler.waiting === 1);
    await within(() => server.mesh.close(AbortSignal.abort()), { what: "the close" });
    expect((await call).code).toBe(Code.Unavailable);
  });

  test("can be hurried while it waits, and says the same to all who ask", async () => {
    const { server } = await stubborn({ drainDelayMs: 60_000 });
    const hurry = new AbortController();
    const first = server.mesh.close(hurry.signal);
    const second = server.mesh.close();
    expect(second).toBe(first);
    await until(() => server.mesh.state === "draining");
    hurry.abort();
    await within(() => second, { what: "the close" });
    expect(server.mesh.close()).toBe(first);
    expect(server.mesh.state).toBe("stopped");
  });

  test("delivers an answer that takes its reader a while", async () => {
    const { handler, server } = await stubborn({ graceMs: 20_000 });
    const call = request({ port: server.port, method: "POST", path: greetPath, headers: json });
    const name = "x".repeat(3 * 1024 * 1024);
    call.end(JSON.stringify({ name }));
    await until(() => handler.waiting === 1);
    const closed = server.mesh.close();
    handler.open();
    const response = await new Promise<IncomingMessage>((resolve) => call.once("response", resolve));
    let length = 0;
    for await (const chunk of response) {
      length += (chunk as Buffer).length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(length).toBeGreaterThan(name.length);
    await closed;
  });

  test("leaves nothing that keeps the process alive", async () => {
    const script = join(import.meta.dirname, "../fixtures/closing-process.ts");
    const { code, stdout, stderr } = await run(process.execPath, [script]);
    expect([code, stdout, stderr]).toEqual([0, "closed\n", ""]);
  });
});
