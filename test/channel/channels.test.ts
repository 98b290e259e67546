import { Code, ConnectError } from "@connectrpc/connect";
import type { Client, HandlerContext } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ChannelTestService } from "../../gen/testing/v1/channel_pb.ts";
import { component, createMesh, implement, instanceId, memory, reasonOf, subscribe } from "../../src/index.ts";
import type { Mesh } from "../../src/index.ts";
import { all, failure, streamOf } from "../support/outcome.ts";

// What a channel itself must do is in the suite, which conformance*.test.ts run.

const channels = ["protobuf", "json", "msgpack", "grpc", "grpc-web", "rest", "local"] as const;

/** The context of the handler that ran last, for tests that look at the server's side. */
let lastContext: HandlerContext | undefined;
const serverSaw: string[] = [];
let host: Mesh;
let guest: Mesh;

const tester = component({
  name: "tester",
  interceptors: [
    (next) => (req) => {
      serverSaw.push(req.method.name);
      return next(req);
    },
  ],
  services: [
    implement(
      ChannelTestService,
      {
        ask({ text }, context) {
          lastContext = context;
          if (text === "throw") throw new TypeError("secret of the database");
          return { text: context.values.get(instanceId) };
        },
        async *download() {
          yield await Promise.reject(new TypeError("secret of the database"));
        },
        async upload(requests) {
          return { number: BigInt((await Array.fromAsync(requests)).length) };
        },
      },
      { partial: true },
    ),
  ],
});

beforeAll(async () => {
  const registry = memory();
  host = createMesh({ registry, components: [tester], listen: {}, drain: { drainDelayMs: 0 } });
  await host.start();
  guest = createMesh({ registry });
});

afterAll(async () => {
  await guest.close();
  await host.close();
});

describe.each(channels)("a component behind the channel %s", (channel) => {
  let client: Client<typeof ChannelTestService>;
  beforeAll(() => {
    client = (channel === "local" ? host : guest).client(ChannelTestService, { channel });
  });

  test("knows the id of its instance", async () => {
    expect((await client.ask({})).text).toBe(host.instanceId(tester));
  });

  test("runs its interceptors around every call", async () => {
    serverSaw.length = 0;
    await client.ask({});
    await client.upload(streamOf({}, {}));
    expect(serverSaw).toEqual(["Ask", "Upload"]);
  });

  test("publishes what an implementation throws and its caller does not see", async () => {
    const hidden: unknown[] = [];
    const end = subscribe("handler.error", ({ error }) => hidden.push(error));
    const errors = [await failure(client.ask({ text: "throw" })), await failure(all(client.download({})))];
    end();
    for (const { code, rawMessage } of errors) expect([code, rawMessage]).toEqual([Code.Internal, "internal error"]);
    expect(hidden.map(String)).toEqual(Array(2).fill("TypeError: secret of the database"));
  });
});

describe("the choice of a channel", () => {
  test("is local where the service is hosted, and protobuf elsewhere", async () => {
    const protocol = async (mesh: Mesh): Promise<string | undefined> => {
      await mesh.client(ChannelTestService).ask({});
      return lastContext?.protocolName;
    };
    expect(await protocol(host)).toBe("local");
    expect(await protocol(guest)).toBe("connect");
  });

  test("local hands messages over as they are", async () => {
    await host.client(ChannelTestService).ask({});
    expect(lastContext?.requestHeader.get("content-type")).toBeNull();
  });

  test("finds no instance of a service that belongs to no component, but local does", async () => {
    const ask = (mesh: Mesh, channel: string): Promise<unknown> =>
      mesh
        .client(Health, { channel, waitForReady: false })
        .check({ service: "nobody.Knows" })
        .catch((error: unknown) => error);
    expect(ConnectError.from(await ask(host, "local")).code).toBe(Code.NotFound);
    expect(reasonOf(await ask(guest, "protobuf"))).toBe("NO_INSTANCE");
  });
});
