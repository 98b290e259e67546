import { createServer, constants } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, createMesh, grpc, implement, json, memory, peakEwma, protobuf, roundRobin, staticRegistry, subscribe } from "../../src/index.ts";
import type { Channel, Mesh, MeshEvents, MeshOptions } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { failure } from "../support/outcome.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const channels: ReadonlyArray<readonly [string, Channel]> = [
  ["protobuf", protobuf()],
  ["grpc", grpc()],
  ["json", json()],
  ["protobuf over HTTP/1.1", protobuf({ httpVersion: "1.1" })],
];

/** What an instance does with streams: how many messages it sends before its error. */
interface Behaviour {
  error?: Code | undefined;
  after?: number;
  calls?: number;
}

async function host(registry: ReturnType<typeof memory>, behaviour: Behaviour): Promise<Mesh> {
  const end = (): void => {
    if (behaviour.error !== undefined) throw new ConnectError("as told", behaviour.error);
  };
  const mesh = createMesh({
    registry,
    listen: {},
    drain: { drainDelayMs: 0 },
    components: [
      component({
        name: "greeter",
        services: [
          implement(GreetService, {
            greet: () => ({}),
            async *greetMany({ name, count }) {
              behaviour.calls = (behaviour.calls ?? 0) + 1;
              for (let index = 0; index < (behaviour.after ?? 0); index++) yield { message: name };
              end();
              for (let index = 0; index < count; index++) yield { message: name };
            },
            async *chat(requests) {
              behaviour.calls = (behaviour.calls ?? 0) + 1;
              end();
              for await (const { name } of requests) yield { message: name };
            },
            async collect(requests) {
              behaviour.calls = (behaviour.calls ?? 0) + 1;
              end();
              let count = 0;
              for await (const _ of requests) count++;
              return { count };
            },
          }),
        ],
      }),
    ],
  });
  await mesh.start();
  closing.push(() => mesh.close());
  return mesh;
}

/** Instances with a behaviour each, and a client of theirs. */
async function fleet(channel: Channel, behaviours: readonly Behaviour[], options: MeshOptions = {}) {
  const registry = memory();
  for (const behaviour of behaviours) await host(registry, behaviour);
  const mesh = createMesh({ registry, channels: [channel], balancer: roundRobin(), ...options });
  closing.push(() => mesh.close());
  const greet = mesh.client(GreetService, { channel: channel.name });
  const many = async (count = 2): Promise<number> => {
    let seen = 0;
    for await (const _ of greet.greetMany({ name: "x", count })) seen++;
    return seen;
  };
  return { mesh, greet, many };
}

async function* names(count: number, size = 1): AsyncGenerator<{ name: string }> {
  for (let at = 0; at < count; at++) yield { name: "n".repeat(size) };
}

/** How many of many calls fail, one after the other. */
async function failures(count: number, call: () => Promise<unknown>): Promise<number> {
  let failed = 0;
  for (let turn = 0; turn < count; turn++) await call().catch(() => failed++);
  return failed;
}

function listen<K extends "peer.ejected" | "call.explained">(name: K): ReadonlyArray<MeshEvents[K]> {
  const events: Array<MeshEvents[K]> = [];
  closing.push(subscribe(name, (event) => events.push(event)));
  return events;
}

describe.each(channels)("a stream of the channel %s", (_, channel) => {
  test("that fails before its first message is repeated at another instance, where the method may be", async () => {
    const bad: Behaviour = { error: Code.Unavailable };
    const { many } = await fleet(channel, [bad, {}, {}], { outlier: false });
    expect(await failures(12, () => many())).toBe(0);
    expect(bad.calls).toBeGreaterThan(2);
  });

  test("that has brought a message is not repeated", async () => {
    const bad: Behaviour = { error: Code.Unavailable, after: 1 };
    const { many } = await fleet(channel, [bad, {}], { outlier: false });
    expect(await failures(12, () => many())).toBe(6);
    expect(bad.calls).toBe(6);
  });

  test("is not repeated where the method may have been carried out", async () => {
    const bad: Behaviour = { error: Code.Unavailable };
    const { greet } = await fleet(channel, [bad, {}], { outlier: false });
    expect(await failures(6, () => greet.collect(names(3)))).toBe(3);
  });

  test.each([
    ["at once", 0],
    ["after a message", 1],
  ])("counts as failed when it fails %s: its instance is ejected", async (_when, after) => {
    const bad: Behaviour = { error: Code.Internal, after };
    const ejected = listen("peer.ejected");
    const { many, greet } = await fleet(channel, [bad, {}, {}], { retry: false });
    expect(await failures(60, () => many())).toBe(5);
    expect(ejected.map(({ why }) => why)).toEqual(["consecutive failures"]);
    expect(await failures(10, () => greet.collect(names(3)))).toBe(0);
  });
});

describe("a stream", () => {
  test("that fails at once does not make its instance look fast", async () => {
    const bad: Behaviour = { error: Code.Internal };
    const { many } = await fleet(protobuf(), [bad, {}, {}, {}], { balancer: peakEwma(), retry: false, outlier: false });
    expect(await failures(200, () => many())).toBeLessThan(40);
  });

  test("explains itself when it is over: with its error, or how it was answered", async () => {
    const behaviour: Behaviour = { error: Code.Internal, after: 2 };
    const { many } = await fleet(protobuf(), [behaviour]);
    const explained = listen("call.explained");
    await failure(many());
    await until(() => explained.length === 1);
    expect(explained[0]).toMatchObject({ error: { code: Code.Internal }, attempts: [{ error: { code: Code.Internal }, next: "committed" }] });
    behaviour.error = undefined;
    await many();
    await until(() => explained.length === 2);
    expect(explained[1]).toMatchObject({ error: undefined, attempts: [{ error: undefined, next: "answered" }] });
  });

  test("that its caller leaves or that reaches its deadline counts as no failure", async () => {
    const registry = memory();
    const behaviours: Behaviour[] = [{}];
    for (const behaviour of behaviours) await host(registry, behaviour);
    const ejected = listen("peer.ejected");
    const mesh = createMesh({ registry, channels: [protobuf()], outlier: { consecutiveFailures: 1 } });
    closing.push(() => mesh.close());
    const greet = mesh.client(GreetService);
    for await (const _ of greet.greetMany({ count: 1000 })) break;
    async function* endless(): AsyncGenerator<{ name: string }> {
      yield { name: "a" };
      await new Promise<never>(() => {});
    }
    const late = async (): Promise<void> => {
      for await (const _ of greet.chat(endless(), { timeoutMs: 200 }));
    };
    expect((await failure(late())).code).toBe(Code.DeadlineExceeded);
    await greet.greet({});
    expect(ejected).toEqual([]);
  });
});

describe("a stream that the server refuses unseen", () => {
  /** A server that refuses each stream once so much has come. */
  async function refusing(afterBytes: number): Promise<{ readonly address: string; readonly refused: () => number }> {
    let refused = 0;
    const server = createServer();
    server.on("stream", (stream) => {
      let received = 0;
      stream.on("error", () => {});
      stream.on("data", (chunk: Buffer) => {
        received += chunk.byteLength;
        if (received < afterBytes || stream.closed) return;
        refused++;
        stream.close(constants.NGHTTP2_REFUSED_STREAM);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => server.close());
    return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, refused: () => refused };
  }

  async function pair(channel: Channel, afterBytes = 1) {
    const bad = await refusing(afterBytes);
    const good = await host(memory(), {});
    const mesh = createMesh({
      registry: staticRegistry({ greeter: [bad.address, good.address ?? ""] }),
      channels: [channel],
      balancer: roundRobin(),
    });
    closing.push(() => mesh.close());
    return { greet: mesh.client(GreetService, { channel: channel.name }), refused: bad.refused };
  }

  test.each(channels.slice(0, 3))("is sent again, with all its messages: %s", async (_, channel) => {
    const { greet, refused } = await pair(channel);
    for (let turn = 0; turn < 4; turn++) {
      expect((await greet.collect(names(5))).count).toBe(5);
      let seen = 0;
      for await (const _ of greet.greetMany({ name: "x", count: 3 })) seen++;
      expect(seen).toBe(3);
      const chat: string[] = [];
      for await (const { message } of greet.chat(names(4))) chat.push(message);
      expect(chat).toHaveLength(4);
    }
    expect(refused()).toBeGreaterThan(3);
  });

  test("is not when more was sent than is kept", async () => {
    const { greet, refused } = await pair(protobuf(), 1_500_000);
    const errors: ConnectError[] = [];
    for (let turn = 0; turn < 2; turn++) await greet.collect(names(40, 65_536)).catch((error: unknown) => errors.push(ConnectError.from(error)));
    expect(errors.map(({ code }) => code)).toEqual([Code.Unavailable]);
    expect(refused()).toBe(1);
  });
});
