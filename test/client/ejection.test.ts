import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import type { Interceptor } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { connectionError, createMesh, grpc, grpcWeb, instance, json, memory, peakEwma, protobuf, rest, ringHash, staticRegistry, subscribe } from "../../src/index.ts";
import type { MeshEvents } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import { silent as silentGreeter } from "../support/silent.ts";
import { nothingUnhandled } from "../support/unhandled.ts";
import { overloaded } from "../../src/resilience/overload.ts";
import { failure, refusal, scripted } from "./scripted.ts";

nothingUnhandled();

const outlier = { intervalMs: 10, baseEjectionMs: 10 };

/** The reasons of ejections, and the instances that came back, while something runs. */
async function told(run: (so: readonly string[]) => Promise<unknown>): Promise<readonly string[]> {
  const events: string[] = [];
  const note = (what: string) => ({ instance }: MeshEvents["peer.returned"]) => events.push(`${instance.id} ${what}`);
  const ends = [
    subscribe("peer.ejected", (event) => events.push(`${event.instance.id} out: ${event.why}`)),
    subscribe("peer.returned", note("back")),
  ];
  await run(events);
  for (const end of ends) end();
  return events;
}

describe.each([true, false])("an instance that fails (short way %s)", (quick) => {
  test("gets no more calls after five failures in a row", async () => {
    await using of = scripted(
      (at) => {
        if (at.id === "a") throw refusal(Code.Internal);
        return { id: at.id };
      },
      { quick },
    );
    of.show("a", "b", "c");
    const events = await told(async () => {
      for (let turn = 0; turn < 60; turn++) await of.call({}).catch(() => {});
    });
    expect(of.channel.attempts.filter((id) => id === "a")).toHaveLength(5);
    expect(events).toEqual(["a out: consecutive failures"]);
  });

  test("gets a single call later, which decides whether it comes back", async () => {
    let well = false;
    await using of = scripted(
      (at) => {
        if (at.id === "a" && !well) throw refusal(Code.Unavailable);
        return { id: at.id };
      },
      // The balancer would hardly go to what fails: only a probe does so for certain.
      { quick, mesh: { outlier: { ...outlier, consecutiveFailures: 1 }, retry: false, balancer: peakEwma() } },
    );
    of.show("a", "b", "c", "d");
    const events = await told(async (so) => {
      await until(async () => (await of.call({}).catch(() => {}), so.includes("a out: failed probe")), { intervalMs: 1 });
      well = true;
      await until(async () => (await of.call({}).catch(() => {}), so.includes("a back")), { intervalMs: 1 });
    });
    expect(events[0]).toBe("a out: consecutive failures");
    // One call for each time that it was let in.
    expect(of.channel.attempts.filter((id) => id === "a")).toHaveLength(events.length);
  });

  test("answers that are errors of the caller do not count", async () => {
    await using of = scripted(
      () => {
        throw refusal(Code.NotFound);
      },
      { quick },
    );
    of.show("a", "b");
    const events = await told(async () => {
      for (let turn = 0; turn < 30; turn++) await failure(of.call({}));
    });
    expect(events).toEqual([]);
  });

  test("is not ejected when that is turned off", async () => {
    await using of = scripted(
      () => {
        throw refusal(Code.Internal);
      },
      { quick, mesh: { outlier: false } },
    );
    of.show("a", "b");
    const events = await told(async () => {
      for (let turn = 0; turn < 30; turn++) await failure(of.call({}));
    });
    expect(events).toEqual([]);
  });
});

describe("ejection", () => {
  test("takes out those that fail far more often than others (gRFC A50)", async () => {
    let turn = 0;
    await using of = scripted(
      (at) => {
        // Never twice in a row.
        if (at.id === "a" && ++turn % 2 === 0) throw refusal(Code.Internal);
        return { id: at.id };
      },
      {
        mesh: {
          outlier: { intervalMs: 20, baseEjectionMs: 60_000, successRate: { requestVolume: 5, minimumHosts: 3, stdevFactor: 500 } },
        },
      },
    );
    of.show("a", "b", "c", "d");
    const events = await told(async () => {
      await until(async () => {
        for (let call = 0; call < 100; call++) await of.call({}).catch(() => {});
        const before = of.channel.attempts.length;
        for (let call = 0; call < 20; call++) await of.call({}).catch(() => {});
        return !of.channel.attempts.slice(before).includes("a");
      });
    });
    expect(events).toEqual(["a out: success rate"]);
  });

  test("of a service config wins over the mesh's and loses against the client's", async () => {
    const serviceConfig = {
      loadBalancingConfig: [
        { outlier_detection_experimental: { childPolicy: [{ round_robin: {} }], failurePercentageEjection: {} } },
      ],
    };
    await using of = scripted(
      (at) => {
        if (at.id === "a") throw refusal(Code.Internal);
        return { id: at.id };
      },
      { mesh: { serviceConfig } },
    );
    of.show("a", "b", "c");
    const run = (call: typeof of.call) => async (): Promise<void> => {
      for (let turn = 0; turn < 60; turn++) await call({}).catch(() => {});
    };
    expect(await told(run(of.call))).toEqual([]);
    expect(await told(run(of.client({ outlier: {} })))).toEqual(["a out: consecutive failures"]);
  });

  test("is over with an instance that the registry no longer has, and no longer counts", async () => {
    let failing = "a";
    await using of = scripted((at) => {
      if (at.id === failing) throw refusal(Code.Internal);
      return { id: at.id };
    });
    of.show("a", "b", "c");
    const run = async (): Promise<void> => {
      for (let turn = 0; turn < 30; turn++) await of.call({}).catch(() => {});
    };
    expect(await told(run)).toEqual(["a out: consecutive failures"]);
    of.show("b", "c");
    await until(() => of.channel.closed.includes("a"));
    failing = "b";
    expect(await told(run)).toEqual(["b out: consecutive failures"]);
    of.show("a", "b", "c");
    const before = of.channel.attempts.length;
    await until(async () => (await of.call({}).catch(() => {}), of.channel.attempts.slice(before).includes("a")));
  });

  test("is not for an instance that has enough to do and says when to come back", async () => {
    const busy = async (pushback: boolean): Promise<readonly string[]> => {
      await using of = scripted((at) => {
        if (at.id !== "a") return { id: at.id };
        throw pushback ? overloaded("enough calls run here") : refusal(Code.ResourceExhausted);
      });
      of.show("a", "b", "c");
      return await told(async () => {
        for (let turn = 0; turn < 60; turn++) await of.call({}, { timeoutMs: 50 }).catch(() => {});
      });
    };
    expect(await busy(true)).toEqual([]);
    // The control: without a word on when, it is a failure like any other.
    expect(await busy(false)).toEqual(["a out: consecutive failures"]);
  });

  test("is not for what the instance never looked at", async () => {
    await using of = scripted((at) => {
      if (at.id === "a") throw connectionError("cannot connect", of.channel.attempts.length % 2 === 0 ? "unsent" : "refused");
      return { id: at.id };
    });
    of.show("a", "b", "c");
    const events = await told(async () => {
      for (let turn = 0; turn < 60; turn++) await of.call({});
    });
    expect(events).toEqual([]);
    expect(of.channel.attempts.filter((id) => id === "a").length).toBeGreaterThan(10);
  });

  test("a call with a key is a probe only where it belongs", async () => {
    let well = false;
    await using of = scripted(
      (at) => {
        if (at.id === "a" && !well) throw refusal(Code.Internal);
        return { id: at.id };
      },
      {
        mesh: { outlier: { ...outlier, consecutiveFailures: 1 }, retry: false, balancer: ringHash({ slowStart: false, identity: ({ id }) => id }) },
        method: { hashKey: "id" },
      },
    );
    of.show("a", "b", "c");
    // Which key belongs where.
    well = true;
    const homes = new Map<string, string>();
    for (let key = 0; key < 40; key++) homes.set(`k${key}`, (await of.call({ id: `k${key}` })).id);
    well = false;
    const keyOf = (home: string): string => [...homes].find(([, id]) => id === home)?.[0] ?? "";
    await failure(of.call({ id: keyOf("a") }));
    expect((await of.call({ id: keyOf("a") })).id).not.toBe("a");
    well = true;
    const states: string[] = [];
    const end = subscribe("call.explained", ({ attempts }) => {
      states.push(attempts[0]?.candidates[0]?.state ?? "");
    });
    const events = await told(async () => {
      await until(async () => (await of.call({ id: keyOf("b") }), states.at(-1) === "probing"));
      end();
      // It is on probation, and calls of others are no probes.
      for (let turn = 0; turn < 20; turn++) expect((await of.call({ id: keyOf("b") })).id).toBe("b");
    });
    expect(events).toEqual([]);
    await until(async () => (await of.call({ id: keyOf("a") })).id === "a");
  });
});

/** Has a channel take the general way. */
const interceptors: readonly Interceptor[] = [(next) => (request) => next(request)];

const httpVersion = "1.1";

test.each([
  ["protobuf", protobuf()],
  ["grpc", grpc()],
  ["protobuf with interceptors", protobuf({ interceptors })],
  ["protobuf with compression", protobuf({ compression: "gzip" })],
  ["json by GET", json({ httpGet: true })],
  ["grpc with interceptors", grpc({ interceptors })],
  ["grpc-web", grpcWeb()],
  ["rest", rest()],
  ["rest with interceptors", rest({ interceptors })],
  ["protobuf over HTTP/1.1", protobuf({ httpVersion })],
  ["protobuf over HTTP/1.1 with interceptors", protobuf({ httpVersion, interceptors })],
  ["grpc-web over HTTP/1.1", grpcWeb({ httpVersion })],
  ["rest over HTTP/1.1 with compression", rest({ httpVersion, compression: "gzip" })],
])("a request whose deadline comes before there is a connection says nothing of its instance: %s", async (name, channel) => {
  // TCP accepts, but nobody speaks HTTP/2, or TLS.
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket.on("error", () => {}))).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const scheme = name.includes("1.1") ? "https" : "http";
  const registry = memory();
  await registry.register(
    instance({
      id: "one",
      component: "greeter",
      services: [GreetService.typeName],
      channels: { [channel.name]: `${scheme}://127.0.0.1:${(silent.address() as AddressInfo).port}` },
    }),
  );
  for (const fastPath of [true, false]) {
    const mesh = createMesh({ registry, channels: [channel], fastPath, outlier: { consecutiveFailures: 3 } });
    const greet = mesh.client(GreetService, { channel: channel.name });
    const many = async (): Promise<void> => {
      for await (const _ of greet.greetMany({ name: "Ada" }, { timeoutMs: 40 }));
    };
    const events = await told(async () => {
      for (let turn = 0; turn < 4; turn++) {
        expect((await failure(greet.greet({ name: "Ada" }, { timeoutMs: 40 }))).code).toBe(Code.DeadlineExceeded);
        // No rule tells how it streams.
        if (channel.name !== "rest") expect((await failure(many())).code).toBe(Code.DeadlineExceeded);
      }
    });
    expect(events).toEqual([]);
    for (const socket of sockets.splice(0)) socket.destroy();
    await mesh.close();
  }
  silent.close();
});

test.each([
  ["protobuf with interceptors", protobuf({ interceptors })],
  ["grpc-web", grpcWeb()],
  ["rest with interceptors over HTTP/1.1", rest({ interceptors, httpVersion })],
])("one that was sent and is not answered in time does: %s", async (_, channel) => {
  await using host = await startMesh({ components: [silentGreeter()] });
  const registry = memory();
  await registry.register(
    instance({ id: "one", component: "greeter", services: [GreetService.typeName], channels: { [channel.name]: host.address } }),
  );
  const mesh = createMesh({ registry, channels: [channel], outlier: { consecutiveFailures: 3 } });
  const greet = mesh.client(GreetService, { channel: channel.name, timeoutMs: 500 });
  const events = await told(async () => {
    for (let turn = 0; turn < 3; turn++) await failure(greet.greet({ name: "Ada" }));
  });
  expect(events).toEqual([expect.stringContaining("out: consecutive failures")]);
  await mesh.close();
});

test("calls that wait for instances that nobody listens for, until their deadline, eject none of them", async () => {
  const addresses = await Promise.all(
    [1, 2].map(async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      server.close();
      await once(server, "close");
      return `http://127.0.0.1:${port}`;
    }),
  );
  const mesh = createMesh({ registry: staticRegistry({ greeter: addresses }), channels: [protobuf()], waitForReady: true });
  const greet = mesh.client(GreetService, { timeoutMs: 1_050 });
  const events = await told(async () => {
    // The second round of attempts begins together with the deadline.
    await Promise.all(Array.from({ length: 24 }, () => failure(greet.greet({ name: "Ada" }))));
  });
  expect(events).toEqual([]);
  await mesh.close();
});
