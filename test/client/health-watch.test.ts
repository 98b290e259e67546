import { createServer } from "node:http2";
import type { ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "vitest";
import { GreetResponseSchema, GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { check, component, createMesh, implement, roundRobin, staticRegistry, subscribe } from "../../src/index.ts";
import type { ClientOptions, Mesh } from "../../src/index.ts";
import { until, within } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A mesh that answers with its name, and whose health can be changed. */
async function instance(name: string) {
  const state = { well: true };
  const greeter = component({
    name: "greeter",
    services: [implement(GreetService, { greet: () => ({ message: name }) }, { partial: true })],
    checks: [
      check("well", () => {
        if (!state.well) throw new Error("unwell");
      }, { cacheMs: 0 }),
    ],
  });
  const started = await startMesh({ components: [greeter], health: { intervalMs: 10 } });
  closing.push(() => started.mesh.close());
  return { ...started, state };
}

function caller(addresses: readonly string[], options: ClientOptions) {
  const registry = staticRegistry({ greeter: [...addresses] }, { channels: ["protobuf", "json", "grpc", "rest"] });
  const mesh = createMesh({ registry, balancer: roundRobin() });
  closing.push(() => mesh.close());
  const greet = mesh.client(GreetService, { channel: "protobuf", retry: false, ...options });
  /** Who answers ten calls, sorted. */
  const who = async (): Promise<readonly string[]> => {
    const names = new Set<string>();
    for (let at = 0; at < 10; at++) names.add((await greet.greet({ name: "Ada" })).message);
    return [...names].sort();
  };
  return { mesh, who };
}

test.each(["protobuf", "grpc", "json"])(
  "an instance that says it does not serve gets no calls until it does: %s",
  async (channel) => {
    const [a, b] = [await instance("a"), await instance("b")];
    const { who } = caller([a.address, b.address], { channel, healthCheck: true });
    expect(await who()).toEqual(["a", "b"]);
    a.state.well = false;
    await until(async () => (await who()).join() === "b");
    a.state.well = true;
    await until(async () => (await who()).join() === "a,b");
  },
);

test("it goes on getting calls where nobody asks", async () => {
  const [a, b] = [await instance("a"), await instance("b")];
  const asked = caller([a.address, b.address], { healthCheck: true });
  const { who } = caller([a.address, b.address], {});
  a.state.well = false;
  await until(async () => (await asked.who()).join() === "b");
  expect(await who()).toEqual(["a", "b"]);
});

test("a service config can ask for it, by the name of any service", async () => {
  const [a, b] = [await instance("a"), await instance("b")];
  const serviceConfig = { healthCheckConfig: { serviceName: "" } };
  const { who } = caller([a.address, b.address], { serviceConfig });
  a.state.well = false;
  await until(async () => (await who()).join() === "b");
});

test("when none says that it serves, calls go to all", async () => {
  const [a, b] = [await instance("a"), await instance("b")];
  const events: boolean[] = [];
  closing.push(subscribe("peer.health", ({ serving }) => events.push(serving)));
  const { who } = caller([a.address, b.address], { healthCheck: true });
  await who();
  a.state.well = b.state.well = false;
  await until(() => events.length === 2);
  expect(events).toEqual([false, false]);
  expect(await who()).toEqual(["a", "b"]);
});

test("an instance that drains ends the watch, and the drain does not wait for it", async () => {
  const [a, b] = [await instance("a"), await instance("b")];
  const { who } = caller([a.address, b.address], { healthCheck: true });
  expect(await who()).toEqual(["a", "b"]);
  await within(() => a.mesh.close(), { timeoutMs: 3_000, what: "the drain" });
  expect(await who()).toEqual(["b"]);
});

test("a channel that has no place for a watch asks nobody, and all count as well", async () => {
  const [a, b] = [await instance("a"), await instance("b")];
  const events: boolean[] = [];
  closing.push(subscribe("peer.health", ({ serving: well }) => events.push(well)));
  const { who } = caller([a.address, b.address], { channel: "rest", healthCheck: true });
  const asked = caller([a.address, b.address], { healthCheck: true });
  expect(await who()).toEqual(["a", "b"]);
  a.state.well = false;
  await until(async () => (await asked.who()).join() === "b");
  expect(await who()).toEqual(["a", "b"]);
  expect(events).toEqual([false]);
});

/** A server without mesh: greets, and answers watches as it is told. */
async function bare(name: string, watch: (stream: ServerHttp2Stream, count: number) => void) {
  const seen = { watches: 0 };
  const server = createServer();
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    stream.resume();
    if (headers[":path"]?.includes("Health") === true) {
      watch(stream, ++seen.watches);
      return;
    }
    stream.respond({ ":status": 200, "content-type": "application/proto" });
    stream.end(toBinary(GreetResponseSchema, create(GreetResponseSchema, { message: name })));
  });
  server.listen(0, "127.0.0.1");
  await until(() => server.listening);
  closing.push(() => server.close());
  return { seen, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const notFound = (stream: ServerHttp2Stream): void => {
  stream.respond({ ":status": 404 }, { endStream: true });
};

/** An envelope of Connect's streams. */
const envelope = (flags: number, body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([flags, 0, 0, 0, body.length]), body]);

const failed = envelope(2, Buffer.from(JSON.stringify({ error: { code: "internal" } })));
const serving = envelope(0, Buffer.from([8, 1]));

test("an instance without a health service counts as well, and is asked once", async () => {
  const [a, b] = [await bare("a", notFound), await bare("b", notFound)];
  const { who } = caller([a.address, b.address], { healthCheck: true });
  for (let turn = 0; turn < 5; turn++) expect(await who()).toEqual(["a", "b"]);
  await until(() => a.seen.watches > 0 && b.seen.watches > 0);
  expect(await who()).toEqual(["a", "b"]);
  expect([a.seen.watches, b.seen.watches]).toEqual([1, 1]);
});

test("one whose watch fails counts as unwell until it is answered, and is asked again after a pause", async () => {
  const a = await bare("a", (stream, count) => {
    stream.respond({ ":status": 200, "content-type": "application/connect+proto" });
    if (count === 1) stream.end(failed);
    else stream.write(serving);
  });
  const b = await bare("b", notFound);
  const { who } = caller([a.address, b.address], { healthCheck: true });
  await until(async () => (await who()).join() === "b");
  await until(async () => (await who()).join() === "a,b");
  expect(a.seen.watches).toBe(2);
});

test("a watch does not hold a connection that the other side ends, and goes on over the next", async () => {
  const ends: Array<Promise<void>> = [];
  const a = await bare("a", (stream, count) => {
    stream.respond({ ":status": 200, "content-type": "application/connect+proto" });
    stream.write(serving);
    ends.push(new Promise((resolve) => stream.once("close", resolve)));
    if (count === 1) stream.session?.goaway();
  });
  const { who } = caller([a.address], { healthCheck: true });
  const events: boolean[] = [];
  closing.push(subscribe("peer.health", (event) => events.push(event.serving)));
  await who();
  await within(() => ends[0] ?? Promise.reject(new Error("no watch")), { what: "the end of the first watch" });
  await until(() => a.seen.watches === 2);
  expect(await who()).toEqual(["a"]);
  // Nobody said anything against it, so neither does the loss.
  expect(events).toEqual([]);
});

test("all clients of a mesh share a watch, which ends with the mesh", async () => {
  const ends: Array<Promise<void>> = [];
  const a = await bare("a", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/connect+proto" });
    stream.write(serving);
    ends.push(new Promise((resolve) => stream.once("close", resolve)));
  });
  const mesh: Mesh = createMesh({ registry: staticRegistry({ greeter: [a.address] }), healthCheck: true });
  closing.push(() => mesh.close());
  for (let at = 0; at < 3; at++) await mesh.client(GreetService, { channel: "protobuf" }).greet({});
  await until(() => a.seen.watches > 0);
  expect(a.seen.watches).toBe(1);
  await mesh.close();
  await within(() => Promise.all(ends), { what: "the end of the watch" });
});
