import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { consul, consulWith } from "../../../src/registry/consul/consul.ts";
import type { Snapshot } from "../../../src/registry/registry.ts";
import { Observer } from "../../../src/testing/registry-observer.ts";
import { until } from "../../../src/testing/until.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../../support/consul-agent.ts";
import { leaseStates, orders, quick, service } from "./quick.ts";

const target = { service, component: "orders" };

describe.skipIf(!hasConsul)("when the Consul agent fails", () => {
  let agent: ConsulAgent;
  beforeEach(async () => {
    agent = await startConsul();
  });
  afterEach(async () => {
    await agent.stop();
  });

  it("fills an agent that comes back empty, within 10 seconds and with the defaults", async () => {
    using events = leaseStates("orders-1");
    const registry = consul({ address: agent.address });
    await using lease = await registry.register(orders("orders-1"));
    await lease.setHealth("warning", "slow");
    await agent.restart();
    await until(
      async () => (await agent.api("GET", "/v1/agent/service/orders-1")).status === 200,
      // 10 s are promised; the rest is for a busy host.
      { timeoutMs: 13_000 },
    );
    // As it was, not as it began.
    const checks = (await agent.api("GET", "/v1/agent/checks")).body;
    expect(checks).toMatchObject({ "service:orders-1": { Status: "warning" } });
    await until(() => events.states.length === 3);
    expect(events.states).toEqual(["registered", "lost", "renewed"]);
  });

  it.each(["http", "grpc"] as const)(
    "fills it also when Consul does the checks by %s",
    async (kind) => {
      using events = leaseStates("orders-2");
      const options = { address: agent.address, verifyMs: 200, check: { kind } };
      await using _lease = await consulWith(options, quick()).register(orders("orders-2"));
      await agent.restart();
      await until(
        async () => (await agent.api("GET", "/v1/agent/service/orders-2")).status === 200,
      );
      await until(() => events.states.length === 3);
      expect(events.states).toEqual(["registered", "lost", "renewed"]);
    },
  );

  it("adds an instance again that somebody removed", async () => {
    const check = { kind: "ttl", ttlMs: 3_000, heartbeatMs: 100 } as const;
    const registry = consulWith({ address: agent.address, check }, quick());
    await using _lease = await registry.register(orders("orders-3"));
    await agent.api("PUT", "/v1/agent/service/deregister/orders-3");
    await until(async () => (await agent.api("GET", "/v1/agent/service/orders-3")).status === 200);
  });

  it("tells that an instance is lost when its heartbeats fail for too long", async () => {
    using events = leaseStates("orders-4");
    const check = { kind: "ttl", ttlMs: 400 } as const;
    const registry = consulWith({ address: agent.address, check }, quick({ releaseMs: 200 }));
    await using _lease = await registry.register(orders("orders-4"));
    await agent.stop();
    await until(() => events.states.length === 2);
    await agent.restart();
    await until(() => events.states.length === 3);
    expect(events.states).toEqual(["registered", "lost", "renewed"]);
  });

  it("keeps the last known instances with a problem meanwhile, and heals", async () => {
    const check = { kind: "ttl", ttlMs: 3_000, heartbeatMs: 200 } as const;
    const registering = consulWith({ address: agent.address, check }, quick());
    // The watch runs with the production's times.
    const watching = consul({ address: agent.address });
    await using _lease = await registering.register(orders("orders-5"));
    await using one = new Observer(watching, target, 20_000);
    await using all = new Observer(watching, { service }, 20_000);
    await one.seesIds("orders-5");
    await all.seesIds("orders-5");
    await agent.stop();
    for (const observer of [one, all]) {
      const failed = await observer.sees("a problem", (of) => of.problem !== undefined);
      expect(failed.instances.map((of) => of.id)).toEqual(["orders-5"]);
    }
    // Who comes now learns the same.
    await using late = new Observer(watching, target, 20_000);
    await late.sees("a problem", (of) => of.problem !== undefined && of.instances.length === 1);
    await agent.restart();
    for (const observer of [one, all, late]) await observer.seesIds("orders-5");
  });

  it("tells of an agent that was never there, instead of waiting", async () => {
    await agent.stop();
    const watching = consul({ address: agent.address });
    await using one = new Observer(watching, target, 20_000);
    await using all = new Observer(watching, { service }, 20_000);
    for (const observer of [one, all]) {
      const failed = await observer.sees("a problem", (of) => of.problem !== undefined);
      expect(failed.instances).toEqual([]);
    }
    await agent.restart();
    await one.seesIds();
    await all.seesIds();
  });

  it("follows an agent that starts over, though the old index was higher", async () => {
    const watching = consulWith({ address: agent.address }, quick());
    // Raises the index far above that of a fresh agent.
    for (let at = 0; at < 50; at++) await agent.api("PUT", `/v1/kv/k${at}`, "x");
    const entry = { Name: "orders", ID: "o", Tags: [service], Port: 1, Meta: { channels: "json" } };
    await agent.api("PUT", "/v1/agent/service/register", { ...entry, Port: 1 });
    await using observer = new Observer(watching, target, 20_000);
    const hasPort = (port: number) => (of: Snapshot): boolean =>
      of.instances[0]?.channels["json"]?.endsWith(`:${port}`) === true;
    await observer.sees("port 1", hasPort(1));
    await agent.restart();
    await agent.api("PUT", "/v1/agent/service/register", { ...entry, Port: 2 });
    await observer.sees("port 2", hasPort(2));
  });
});
