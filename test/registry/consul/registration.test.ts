import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reasonOf } from "../../../src/error.ts";
import { consul, consulWith } from "../../../src/registry/consul/consul.ts";
import { Observer } from "../../../src/testing/registry-observer.ts";
import { until, within } from "../../../src/testing/until.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../../support/consul-agent.ts";
import { leaseStates, orders, quick, service } from "./quick.ts";

const target = { service, component: "orders" };

/** What the given promise rejects with. */
async function rejection(of: Promise<unknown>): Promise<ConnectError> {
  const error: unknown = await of.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

/** A port of this host that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

describe.skipIf(!hasConsul)("registering in Consul", () => {
  let agent: ConsulAgent;
  beforeAll(async () => {
    agent = await startConsul();
  });
  afterAll(async () => {
    await agent.stop();
  });

  async function registered(id: string): Promise<unknown> {
    return (await agent.api("GET", `/v1/agent/service/${id}`)).body;
  }

  async function checkOf(id: string): Promise<Record<string, unknown> | undefined> {
    const checks = (await agent.api("GET", "/v1/agent/checks")).body;
    return (checks as Record<string, Record<string, unknown>>)[`service:${id}`];
  }

  it("shows everything about an instance in Consul's own fields", async () => {
    const wanted = orders("orders-1", {
      version: "1.2.3",
      services: [service, "shop.v1.Returns"],
      channels: {
        protobuf: "https://[::1]:4001",
        json: "https://[::1]:4001",
        grpc: "http://127.0.0.1:4002",
        local: "unix:/run/orders.sock",
      },
      weight: 20,
      warningWeight: 3,
      zone: "a",
      metadata: { team: "shop" },
    });
    await using _lease = await consul({ address: agent.address }).register(wanted);
    expect(await registered("orders-1")).toMatchObject({
      ID: "orders-1",
      Service: "orders",
      Address: "::1",
      Port: 4001,
      Tags: [service, "shop.v1.Returns"],
      Meta: {
        mesh: "1",
        channels: "protobuf,json,grpc,local",
        "channel-grpc": "http://127.0.0.1:4002",
        "channel-local": "unix:/run/orders.sock",
        scheme: "https",
        version: "1.2.3",
        zone: "a",
        team: "shop",
      },
      Weights: { Passing: 20, Warning: 3 },
      EnableTagOverride: false,
    });
    expect(await checkOf("orders-1")).toMatchObject({ Status: "passing", Type: "ttl" });
    await using observer = new Observer(consul({ address: agent.address }), target, 10_000);
    expect(await observer.seesIds("orders-1")).toEqual([wanted]);
  });

  it("carries a warning with its detail, and the weight that goes with it", async () => {
    const registry = consul({ address: agent.address });
    await using lease = await registry.register(orders("orders-2", { warningWeight: 0 }));
    await lease.setHealth("warning", "the disk is nearly full");
    expect(await checkOf("orders-2")).toMatchObject({
      Status: "warning",
      Output: "the disk is nearly full",
    });
    await using observer = new Observer(registry, target, 10_000);
    const seen = await observer.seesIds("orders-2");
    expect(seen[0]).toMatchObject({ health: "warning", warningWeight: 0 });
  });

  it("cuts the detail, not the heartbeat, when the detail is long", async () => {
    await using lease = await consul({ address: agent.address }).register(orders("orders-3"));
    await lease.setHealth("warning", "x".repeat(100_000));
    expect(await checkOf("orders-3")).toMatchObject({ Status: "warning", Output: "x".repeat(512) });
  });

  it("drops an instance whose process has died, when its heartbeats stay out", async () => {
    const registry = consul({ address: agent.address });
    await using observer = new Observer(registry, target, 10_000);
    // What a process leaves behind that was killed: registered, and then nothing.
    const left = consulWith(
      { address: agent.address, check: { kind: "ttl", ttlMs: 800, heartbeatMs: 799 } },
      quick({ random: () => 1e6 }),
    );
    await using _lease = await left.register(orders("orders-4"));
    await observer.seesIds("orders-4");
    await observer.seesIds();
    expect(await checkOf("orders-4")).toMatchObject({ Status: "critical" });
  });

  it("keeps an instance alive by heartbeats for much longer than their time", async () => {
    const registry = consul({ address: agent.address, check: { kind: "ttl", ttlMs: 600 } });
    await using _lease = await registry.register(orders("orders-5"));
    const end = performance.now() + 2_500;
    await until(
      async () => {
        expect(await checkOf("orders-5")).toMatchObject({ Status: "passing" });
        return performance.now() > end;
      },
      { intervalMs: 50 },
    );
  });

  it("lets Consul ask over HTTP, and reads 429 as a warning", async () => {
    let status = 200;
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(status).end("said so");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      const check = { kind: "http", intervalMs: 200, timeoutMs: 1_000 } as const;
      const registry = consul({ address: agent.address, check });
      const channels = { protobuf: `http://127.0.0.1:${port}` };
      await using lease = await registry.register(orders("orders-6", { channels }));
      expect(await checkOf("orders-6")).toMatchObject({ Type: "http" });
      await using observer = new Observer(registry, target, 10_000);
      await observer.sees("an ok instance", (of) => of.instances[0]?.health === "ok");
      await until(() => asked.includes("/health?component=orders&warning=429"));
      // Only Consul's own look counts here.
      await lease.setHealth("error");
      status = 429;
      await observer.sees("a warning", (of) => of.instances[0]?.health === "warning");
      status = 503;
      await observer.seesIds();
      status = 200;
      await observer.sees("an ok instance", (of) => of.instances[0]?.health === "ok");
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it("lets Consul ask over gRPC for the first service, with TLS for https", async () => {
    // A listener that is no gRPC server: the check must fail, and so be made.
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      const check = { kind: "grpc", intervalMs: 200, timeoutMs: 1_000 } as const;
      const registry = consul({ address: agent.address, check });
      const channels = { grpc: `https://127.0.0.1:${port}` };
      await using observer = new Observer(registry, target, 10_000);
      await using _lease = await registry.register(orders("orders-7", { channels }));
      const known = await checkOf("orders-7");
      expect(known).toMatchObject({ Type: "grpc", ServiceID: "orders-7" });
      await until(async () => {
        const found = await checkOf("orders-7");
        return found?.["Status"] === "critical" && /TLS|tls/.test(String(found["Output"]));
      });
      await observer.seesIds();
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it.each([
    ["a key with a dot", { "a.b": "1" }, "a.b"],
    ["a reserved key", { "consul-x": "1" }, "consul-x"],
    ["a key of its own", { zone: "1" }, "zone"],
    ["a key that looks like an address", { "channel-x": "1" }, "channel-x"],
    ["a long key", { ["k".repeat(129)]: "1" }, "kkk"],
    ["a long value", { long: "ü".repeat(257) }, "514 bytes"],
    [
      "too many keys",
      Object.fromEntries(Array.from({ length: 62 }, (_, at) => [`k${at}`, "1"])),
      "65 meta pairs",
    ],
  ])("refuses metadata with %s, and registers nothing", async (_, metadata, says) => {
    const registry = consul({ address: agent.address });
    const error = await rejection(registry.register(orders("orders-8", { metadata })));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
    expect(error.message).toContain(says);
    expect(await registered("orders-8")).toContain("unknown service");
  });

  it("takes metadata up to Consul's limits", async () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 61 }, (_, at) => [`${"k".repeat(126)}${10 + at}`, "v".repeat(512)]),
    );
    const registry = consul({ address: agent.address });
    await using _lease = await registry.register(orders("orders-9", { metadata }));
    await using observer = new Observer(registry, target, 10_000);
    expect((await observer.seesIds("orders-9"))[0]?.metadata).toEqual(metadata);
  });

  it("refuses a check by http for an instance without an http address", async () => {
    const registry = consul({ address: agent.address, check: { kind: "http" } });
    const channels = { protobuf: "unix:/run/orders.sock" };
    const error = await rejection(registry.register(orders("orders-10", { channels })));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.message).toContain('"ttl"');
  });

  it("refuses an id that it holds already, until that is released", async () => {
    const registry = consul({ address: agent.address });
    const lease = await registry.register(orders("orders-11"));
    expect((await rejection(registry.register(orders("orders-11")))).code).toBe(Code.AlreadyExists);
    await lease[Symbol.asyncDispose]();
    await using _again = await registry.register(orders("orders-11"));
  });

  it("removes the instance when the lease ends, and tells so", async () => {
    using events = leaseStates("orders-12");
    const lease = await consul({ address: agent.address }).register(orders("orders-12"));
    await lease[Symbol.asyncDispose]();
    expect(await registered("orders-12")).toContain("unknown service");
    expect(events.states).toEqual(["registered", "released"]);
  });

  it("tries for an agent that is not there yet", async () => {
    const late = await startConsul();
    try {
      await late.stop();
      const registry = consulWith({ address: late.address }, quick());
      const registering = registry.register(orders("orders-13"));
      await late.restart();
      await using _lease = await registering;
      expect((await late.api("GET", "/v1/agent/service/orders-13")).status).toBe(200);
    } finally {
      await late.stop();
    }
  });

  it("gives up an agent that stays away, and names its address", async () => {
    const address = `http://127.0.0.1:${await freePort()}`;
    const registry = consulWith({ address }, quick({ registerMs: 300 }));
    const error = await rejection(registry.register(orders("orders-14")));
    expect(error.code).toBe(Code.Unavailable);
    expect(reasonOf(error)).toBe("REGISTRY_UNAVAILABLE");
    expect(error.message).toContain(address);
    expect(error.message).toContain("ECONNREFUSED");
  });

  it("gives up when the caller does", async () => {
    const address = `http://127.0.0.1:${await freePort()}`;
    const registry = consulWith({ address }, quick());
    const error = await rejection(
      registry.register(orders("orders-15"), AbortSignal.timeout(200)),
    );
    expect(error.code).toBe(Code.Unavailable);
    expect(error.message).toContain("ended by the caller");
  });

  it("ends a lease within its time also when the token provider hangs", async () => {
    let hangs = false;
    const token = (): Promise<string> =>
      hangs ? new Promise<string>(() => {}) : Promise.resolve("");
    const registry = consulWith({ address: agent.address, token }, quick({ releaseMs: 500 }));
    const lease = await registry.register(orders("orders-17"));
    hangs = true;
    const beating = lease.setHealth("warning");
    await within(async () => lease[Symbol.asyncDispose]());
    await beating;
    await agent.api("PUT", "/v1/agent/service/deregister/orders-17");
  });

  it("ends a lease within its time and without an error when the agent is gone", async () => {
    const gone = await startConsul();
    using events = leaseStates("orders-16");
    const registry = consulWith({ address: gone.address }, quick({ releaseMs: 500 }));
    const lease = await registry.register(orders("orders-16"));
    await gone.stop();
    const begin = performance.now();
    await lease[Symbol.asyncDispose]();
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect(events.states).toEqual(["registered", "released"]);
  });
});
