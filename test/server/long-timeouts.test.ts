import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import type { CallOptions, HandlerContext, Interceptor, Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { component, createMesh, grpc, grpcWeb, implement, memory, msgpack, protobuf } from "../../src/index.ts";
import type { Channel, Mesh } from "../../src/index.ts";
import { contract, ms } from "../contract/contract.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { all } from "../support/outcome.ts";

/** The longest that a timer holds. A longer one would end at once. */
const longestMs = 2 ** 31 - 1;

/** What a contract says, which is longer. */
const timeout = ms(30 * 24 * 3_600_000);

const interceptors: readonly Interceptor[] = [(next) => (request) => next(request)];

const channels: ReadonlyArray<readonly [string, Channel]> = [
  ["protobuf", protobuf()],
  ["msgpack", msgpack()],
  ["grpc", grpc()],
  ["grpc-web", grpcWeb()],
  ["protobuf with interceptors", protobuf({ interceptors })],
  ["grpc with interceptors", grpc({ interceptors })],
  ["grpc-web over HTTP/1.1", grpcWeb({ httpVersion: "1.1" })],
  ["protobuf over HTTP/1.1", protobuf({ httpVersion: "1.1" })],
];

const foreign: ReadonlyArray<readonly [string, (baseUrl: string) => Transport, Record<string, string>]> = [
  ["Connect", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" }), { "connect-timeout-ms": "9999999999" }],
  ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl }), { "grpc-timeout": "8000H" }],
  ["gRPC with all that fits", (baseUrl) => createGrpcTransport({ baseUrl }), { "grpc-timeout": "99999999H" }],
  ["gRPC-Web", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }), { "grpc-timeout": "8000H" }],
];

/** A call to the only method of the contract: how much time its handler has, in milliseconds. */
type Call = (options?: CallOptions) => Promise<number>;

describe.each([
  ["unary", true],
  ["unary", false],
  ["server-streaming", true],
] as const)("a %s call that may take longer than a timer holds (short way %s)", (kind, fastPath) => {
  const service = contract({ method: { timeout }, serverStreaming: kind !== "unary" });
  const registry = memory();
  let host: StartedMesh;
  const opened: Mesh[] = [];

  const told = async (context: HandlerContext): Promise<{ id: string }> => {
    // Long enough for a timer that ends at once.
    await delay(30);
    return { id: String(context.timeoutMs()) };
  };
  const handlers = {
    unary: (_request: unknown, context: HandlerContext) => told(context),
    async *"server-streaming"(_request: unknown, context: HandlerContext) {
      yield await told(context);
    },
  };

  beforeAll(async () => {
    const binding = implement(service, { do: handlers[kind] } as never);
    host = await startMesh({ registry, fastPath, components: [component({ name: "t", services: [binding] })] });
  });

  afterAll(async () => {
    for (const mesh of opened) await mesh.close();
    await host.mesh.close();
  });

  /** How a client calls it. */
  const callOf = (client: unknown): Call => {
    const { do: method } = client as { do: (request: object, options?: CallOptions) => unknown };
    return async (options) => {
      const answer = method({}, options);
      const [{ id } = { id: "" }] = (kind === "unary" ? [await answer] : await all(answer as AsyncIterable<unknown>)) as { id: string }[];
      return Number(id);
    };
  };

  const expectLongest = (leftMs: number): void => {
    expect(leftMs).toBeLessThanOrEqual(longestMs);
    expect(leftMs).toBeGreaterThan(longestMs - 60_000);
  };

  test.each(channels)("has as long as a timer holds, by its contract, over %s", async (_, channel) => {
    const mesh = createMesh({ registry, channels: [channel], fastPath });
    opened.push(mesh);
    expectLongest(await callOf(mesh.client(service, { channel: channel.name }))());
  });

  test.each(foreign)("has so from a foreign caller too, whether it says how long or not: %s", async (_, make, headers) => {
    const call = callOf(createClient(service, make(host.address)));
    expectLongest(await call({ headers }));
    expectLongest(await call());
  });
});
