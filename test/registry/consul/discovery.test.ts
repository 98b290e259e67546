import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { subscribe } from "../../../src/events.ts";
import { consul, consulWith } from "../../../src/registry/consul/consul.ts";
import { Observer } from "../../../src/testing/registry-observer.ts";
import { until } from "../../../src/testing/until.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../../support/consul-agent.ts";
import { orders, quick, service } from "./quick.ts";

const target = { service, component: "orders" };

describe.skipIf(!hasConsul)("looking up in Consul", () => {
  let agent: ConsulAgent;
  beforeAll(async () => {
    agent = await startConsul();
  });
  afterAll(async () => {
    await agent.stop();
  });

  /** Registers something by hand, as other programs do. */
  async function byHand(definition: Record<string, unknown>): Promise<AsyncDisposable> {
    const done = await agent.api("PUT", "/v1/agent/service/register", definition);
    expect(done.status).toBe(200);
    const id = String(definition["ID"] ?? definition["Name"]);
    return {
      [Symbol.asyncDispose]: async () => {
        await agent.api("PUT", `/v1/agent/service/deregister/${id}`);
      },
    };
  }

  it("finds a service in all components that serve it, also in those that come later", async () => {
    const registry = consulWith({ address: agent.address, requestsPerSecond: 50 }, quick());
    await using observer = new Observer(registry, { service }, 10_000);
    await observer.seesIds();
    await using _a = await registry.register(orders("orders-1"));
    await observer.seesIds("orders-1");
    const other = await registry.register(orders("archive-1", { component: "archive" }));
    await observer.seesIds("archive-1", "orders-1");
    await using _c = await registry.register(
      orders("mail-1", { component: "mail", services: ["mail.v1.Mail"] }),
    );
    await using _d = await registry.register(orders("orders-2"));
    await observer.seesIds("archive-1", "orders-1", "orders-2");
    await other[Symbol.asyncDispose]();
    await observer.seesIds("orders-1", "orders-2");
  });

  it("takes in a service that somebody registered by hand", async () => {
    await using _service = await byHand({
      Name: "orders",
      ID: "legacy",
      Address: "10.0.0.7",
      Port: 8080,
      Tags: [service, "v1"],
      Meta: { channels: "protobuf, json", "channel-json": "https://10.0.0.7:8443", team: "x" },
      Weights: { Passing: 5, Warning: 2 },
    });
    await using observer = new Observer(consul({ address: agent.address }), target, 10_000);
    const found = await observer.sees("one instance", (of) => of.instances.length === 1);
    expect(found.instances).toEqual([
      {
        id: expect.stringMatching(/^test-\d+:legacy$/) as string,
        component: "orders",
        version: "0.0.0",
        services: [service, "v1"],
        channels: { protobuf: "http://10.0.0.7:8080", json: "https://10.0.0.7:8443" },
        weight: 5,
        warningWeight: 2,
        health: "ok",
        metadata: { team: "x" },
      },
    ]);
  });

  it("takes the node's address for a service without one", async () => {
    await using _service = await byHand({
      Name: "orders",
      Port: 8080,
      Tags: [service],
      Meta: { channels: "json" },
    });
    await using observer = new Observer(consul({ address: agent.address }), target, 10_000);
    const found = await observer.sees("one instance", (of) => of.instances.length === 1);
    expect(found.instances[0]?.channels).toEqual({ json: "http://127.0.0.1:8080" });
  });

  it("passes over services without channels, or with other tags", async () => {
    await using _plain = await byHand({ Name: "orders", ID: "plain", Port: 1, Tags: [service] });
    const Meta = { channels: "json" };
    await using _other = await byHand({ Name: "orders", ID: "other", Port: 1, Tags: ["x"], Meta });
    const registry = consul({ address: agent.address });
    await using _mark = await registry.register(orders("orders-3"));
    await using observer = new Observer(registry, target, 10_000);
    await observer.seesIds("orders-3");
  });

  it("leaves out what cannot be read, and tells so once", async () => {
    const corrupt: string[] = [];
    const stop = subscribe("registry.corrupt", (event) => {
      corrupt.push(`${event.source}: ${String(event.error)}`);
    });
    try {
      const Tags = [service];
      const bad = { Name: "orders", Tags, Port: 1 };
      await using _a = await byHand({ ...bad, ID: "c1", Meta: { mesh: "1" } });
      await using _b = await byHand({ ...bad, ID: "c2", Meta: { mesh: "1", channels: "" } });
      await using _c = await byHand({ ...bad, ID: "c3", Meta: { mesh: "9", channels: "json" } });
      await using _d = await byHand({ ...bad, ID: "c4", Port: 0, Meta: { channels: "json" } });
      const address = { channels: "json", "channel-json": "ftp://x" };
      await using _e = await byHand({ ...bad, ID: "c5", Meta: address });
      const registry = consul({ address: agent.address, requestsPerSecond: 50 });
      await using observer = new Observer(registry, target, 10_000);
      await observer.seesIds();
      // More answers, with the same corrupt entries in them.
      await using _mark = await registry.register(orders("orders-4"));
      await observer.seesIds("orders-4");
      await using _again = await registry.register(orders("orders-5"));
      await observer.seesIds("orders-4", "orders-5");
      const ids = corrupt.map((of) => /id (c\d)/.exec(of)?.[1]);
      expect(ids).toHaveLength(5);
      expect(new Set(ids)).toEqual(new Set(["c1", "c2", "c3", "c4", "c5"]));
    } finally {
      stop();
    }
  });

  it("hides instances in maintenance, of their own or of their node", async () => {
    const registry = consul({ address: agent.address, requestsPerSecond: 50 });
    await using _a = await registry.register(orders("orders-6"));
    await using _b = await registry.register(orders("orders-7"));
    await using observer = new Observer(registry, target, 10_000);
    await observer.seesIds("orders-6", "orders-7");
    await agent.api("PUT", "/v1/agent/service/maintenance/orders-6?enable=true&reason=test");
    await observer.seesIds("orders-7");
    await agent.api("PUT", "/v1/agent/maintenance?enable=true");
    await observer.seesIds();
    await agent.api("PUT", "/v1/agent/maintenance?enable=false");
    await agent.api("PUT", "/v1/agent/service/maintenance/orders-6?enable=false");
    await observer.seesIds("orders-6", "orders-7");
  });

  it("counts the worst of several checks", async () => {
    const registry = consul({ address: agent.address, requestsPerSecond: 50 });
    await using _lease = await registry.register(orders("orders-8"));
    await using observer = new Observer(registry, target, 10_000);
    await observer.seesIds("orders-8");
    const more = { ID: "more", Name: "more", ServiceID: "orders-8", TTL: "60s" };
    await agent.api("PUT", "/v1/agent/check/register", { ...more, Status: "warning" });
    await observer.sees("a warning", (of) => of.instances[0]?.health === "warning");
    await agent.api("PUT", "/v1/agent/check/fail/more");
    await observer.seesIds();
  });

  it("stays within an agent's limit of connections, however many readers there are", async () => {
    await using small = await startConsul({ config: { limits: { http_max_conns_per_client: 5 } } });
    const registry = consul({ address: small.address });
    await using _lease = await registry.register(orders("orders-9"));
    const readers = Array.from({ length: 20 }, (_, at) => {
      return new Observer(registry, at % 2 === 0 ? target : { service }, 10_000);
    });
    try {
      for (const reader of readers) await reader.seesIds("orders-9");
    } finally {
      for (const reader of readers) await reader[Symbol.asyncDispose]();
    }
  });

  it("tells when the agent closes connections above its limit, and heals below it", async () => {
    await using small = await startConsul({ config: { limits: { http_max_conns_per_client: 4 } } });
    // Short waits: Consul counts the connection of a question that nobody waits for until its wait is over.
    const registry = consulWith({ address: small.address, waitMs: 1_000 }, quick());
    const readers = Array.from({ length: 8 }, (_, at) => {
      return new Observer(registry, { service, component: `c${at}` }, 20_000);
    });
    const isOver = async (reader: Observer): Promise<boolean> =>
      (await reader.sees("anything", () => true)).problem !== undefined;
    await until(async () => (await Promise.all(readers.map(isOver))).filter(Boolean).length >= 4);
    // When most leave, there is room for the rest.
    for (const reader of readers.splice(2)) await reader[Symbol.asyncDispose]();
    for (const reader of readers) await reader.seesIds();
    for (const reader of readers) await reader[Symbol.asyncDispose]();
  });
});
