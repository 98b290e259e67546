import { Code, ConnectError } from "@connectrpc/connect";
import type { CallOptions, Client, Interceptor } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, grpc, grpcWeb, json, memory, peakEwma, progressOf, protobuf, rest, staticRegistry, subscribe } from "../../src/index.ts";
import type { Channel, Mesh, MeshOptions } from "../../src/index.ts";
import { local } from "../../src/protocol/progress.ts";
import { until } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { all, failure } from "../support/outcome.ts";
import { nothingUnhandled } from "../support/unhandled.ts";
import { refusal, scripted } from "./scripted.ts";

nothingUnhandled();

type Greeter = Client<typeof GreetService>;

const registry = memory();
const hosts: StartedMesh[] = [];

beforeAll(async () => {
  hosts.push(await startMesh({ registry }), await startMesh({ registry }));
});

afterAll(async () => {
  for (const host of hosts) await host.mesh.close();
});

/** A mesh that only calls, and the ids of the instances that it ejects. */
function caller(channel: Channel, options: MeshOptions = {}): { readonly mesh: Mesh; readonly ejected: readonly string[] } {
  const ejected: string[] = [];
  onTestFinished(subscribe("peer.ejected", ({ instance }) => ejected.push(instance.id)));
  const mesh = createMesh({ registry, channels: [channel], channel: channel.name, ...options });
  onTestFinished(() => mesh.close());
  return { mesh, ejected };
}

const throwing: Interceptor = () => () => {
  throw new Error("no token yet");
};
const passing: Interceptor = (next) => (request) => next(request);

/** Longer than an answer may be here, and shorter than a request may be. */
const long = "x".repeat(300);
const limits = { readMaxBytes: 200, writeMaxBytes: 400 };
/** Neither protobuf nor JSON can say the one or the other. */
const unwritable = { count: -1, pause: { seconds: 10n ** 15n } };

async function* names(...given: readonly (string | Error)[]): AsyncGenerator<{ name: string }> {
  for (const name of given) {
    if (name instanceof Error) throw name;
    yield { name };
  }
}

const failing: readonly (readonly [what: string, call: (client: Greeter, options: CallOptions) => Promise<unknown>])[] = [
  ["a request that is too large", (client, options) => client.greet({ name: "x".repeat(500) }, options)],
  ["a stream's request that is too large", (client, options) => all(client.greetMany({ name: "x".repeat(500) }, options))],
  ["a message of a stream that is too large", (client, options) => client.collect(names("a", "x".repeat(500)), options)],
  ["a request that cannot be written", (client, options) => all(client.greetMany(unwritable, options))],
  ["the caller's messages that throw", (client, options) => client.collect(names("a", new Error("mine")), options)],
  ["the caller's messages that throw at once", (client, options) => client.collect(names(new Error("mine")), options)],
  ["an answer that is too large", (client, options) => client.greet({ name: long }, options)],
  ["an answer of a stream that is too large", (client, options) => all(client.greetMany({ name: long }, options))],
  ["a header that HTTP cannot carry", (client, options) => client.greet({}, { ...options, headers: { "x-name": "中" } })],
  ["a stream's header that HTTP cannot carry", (client, options) => all(client.greetMany({}, { ...options, headers: { "x-name": "中" } }))],
  ["a header that is the connection's", (client, options) => client.greet({}, { ...options, headers: { "keep-alive": "5" } })],
];

const channels: readonly (readonly [name: string, channel: Channel])[] = [
  ["protobuf", protobuf()],
  ["json", json()],
  ["grpc", grpc()],
  ["grpc-web", grpcWeb()],
  ["protobuf over HTTP/1.1", protobuf({ httpVersion: "1.1" })],
  ["json over HTTP/1.1 with an interceptor", json({ httpVersion: "1.1", interceptors: [passing] })],
  ["protobuf with an interceptor", protobuf({ interceptors: [passing] })],
  ["grpc with compression", grpc({ compression: "gzip" })],
];

describe.each(channels)("over %s", (_, channel) => {
  test.each(failing)("%s ejects no instance", async (what, call) => {
    const { mesh, ejected } = caller(channel, { limits });
    const client = mesh.client(GreetService);
    await client.greet({ name: "Ada" });
    for (let turn = 0; turn < 16; turn++) {
      const error = await failure(call(client, { timeoutMs: 5_000 }));
      expect.soft([what, error.rawMessage, progressOf(error)]).toEqual([what, error.rawMessage, "local"]);
    }
    expect(ejected).toEqual([]);
    expect((await client.greet({ name: "Ada" })).message).toBe("hello Ada");
  });
});

test.each([
  ["protobuf", (interceptors: Interceptor[]) => protobuf({ interceptors })],
  ["grpc", (interceptors: Interceptor[]) => grpc({ interceptors })],
  ["json over HTTP/1.1", (interceptors: Interceptor[]) => json({ interceptors, httpVersion: "1.1" })],
] as const)("an interceptor of the channel %s that throws ejects no instance", async (_, channel) => {
  const { mesh, ejected } = caller(channel([throwing]));
  const client = mesh.client(GreetService);
  for (let turn = 0; turn < 16; turn++) {
    const error = await failure(turn % 2 === 0 ? client.greet({}) : all(client.greetMany({})));
    expect([error.rawMessage, progressOf(error)]).toEqual(["no token yet", "local"]);
  }
  expect(ejected).toEqual([]);
});

test("what an instance answers stays its own behind interceptors of the channel", async () => {
  const { mesh } = caller(protobuf({ interceptors: [passing] }));
  const client = mesh.client(GreetService);
  const error = await failure(all(client.greetMany({ count: 20_000 })));
  expect([error.code, progressOf(error)]).toEqual([Code.InvalidArgument, undefined]);
});

test("an interceptor of the channel that is unavailable is repeated by the policy", async () => {
  let asked = 0;
  const token: Interceptor = (next) => async (request) => {
    if (++asked < 3) throw new ConnectError("no token yet", Code.Unavailable);
    return next(request);
  };
  const { mesh } = caller(protobuf({ interceptors: [token] }));
  expect((await mesh.client(GreetService).greet({ name: "Ada" })).message).toBe("hello Ada");
  expect(asked).toBe(3);
});

test("what cannot be sent is not repeated, whatever codes the policy lists", async () => {
  const attempts: string[][] = [];
  onTestFinished(subscribe("call.explained", (event) => attempts.push(event.attempts.map(({ next }) => next))));
  const { mesh } = caller(protobuf(), { limits, retry: { codes: [Code.Internal, Code.ResourceExhausted] } });
  const client = mesh.client(GreetService);
  await failure(client.greet({ name: "x".repeat(500) }));
  await failure(all(client.greetMany(unwritable)));
  expect(attempts).toEqual([["local"], ["local"]]);
});

test.each([
  ["protobuf", protobuf()],
  ["grpc", grpc()],
  ["json over HTTP/1.1", json({ httpVersion: "1.1" })],
  ["rest", rest()],
])("a header that HTTP cannot carry is named: %s", async (_, channel) => {
  const { mesh } = caller(channel);
  const client = mesh.client(GreetService);
  const error = await failure(client.greet({}, { headers: { "x-good": "ü", "x-name": "中" } }));
  expect(error.code).toBe(Code.InvalidArgument);
  expect(error.rawMessage).toMatch(/^the header "x-name" cannot be sent: .*encodeURIComponent/);
  const misnamed = await failure(client.greet({}, { headers: { "x name": "a" } }));
  expect(misnamed.rawMessage).toMatch(/^the header "x name" cannot be sent: names/);
});

test("a call that cannot be written does not bring an instance back that cannot be reached", async () => {
  const states: string[] = [];
  onTestFinished(subscribe("call.explained", ({ attempts }) => {
    for (const { candidates } of attempts) states.push(...candidates.map(({ state }) => state));
  }));
  const { mesh } = caller(protobuf(), { registry: staticRegistry({ greeter: ["http://127.0.0.1:1"] }), waitForReady: false });
  const client = mesh.client(GreetService);
  await failure(client.greet({}));
  await failure(client.greet({}, { headers: { "x-name": "中" } }));
  await failure(all(client.greetMany(unwritable)));
  await failure(client.greet({}));
  expect(states.slice(1)).not.toContain("in");
  expect(states.length).toBeGreaterThan(2);
});

describe.each([true, false])("a call that fails on this side (short way %s)", (quick) => {
  test.each([Code.Internal, Code.InvalidArgument])("does not decide whether an instance comes back: code %s", async (code) => {
    let phase: "failing" | "mine" | "well" = "failing";
    let mine = 0;
    await using of = scripted(
      (at) => {
        if (at.id !== "a" || phase === "well") return { id: at.id };
        if (phase === "failing") throw refusal(Code.Unavailable);
        mine++;
        throw local(new ConnectError("mine", code));
      },
      { quick, mesh: { outlier: { intervalMs: 10, baseEjectionMs: 10, consecutiveFailures: 1 }, retry: false, balancer: peakEwma() } },
    );
    const events: string[] = [];
    onTestFinished(subscribe("peer.ejected", ({ why }) => events.push(why)));
    onTestFinished(subscribe("peer.returned", () => events.push("back")));
    of.show("a", "b", "c", "d");
    await until(async () => (await of.call({}).catch(() => {}), events.length > 0), { intervalMs: 1 });
    phase = "mine";
    await until(async () => (await of.call({}).catch(() => {}), mine >= 3), { intervalMs: 1 });
    expect(events).toEqual(["consecutive failures"]);
    phase = "well";
    await until(async () => (await of.call({}), events.length > 1), { intervalMs: 1 });
    expect(events).toEqual(["consecutive failures", "back"]);
  });
});
