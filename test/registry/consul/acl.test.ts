import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reasonOf } from "../../../src/error.ts";
import { consulWith } from "../../../src/registry/consul/consul.ts";
import { Observer } from "../../../src/testing/registry-observer.ts";
import { until } from "../../../src/testing/until.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../../support/consul-agent.ts";
import { orders, quick, service } from "./quick.ts";

const target = { service, component: "orders" };

describe.skipIf(!hasConsul)("with ACLs that deny by default", () => {
  let agent: ConsulAgent;
  beforeAll(async () => {
    agent = await startConsul({ acl: true });
  });
  afterAll(async () => {
    await agent.stop();
  });

  let policies = 0;
  /** Makes a token with rules in Consul's language. */
  async function tokenWith(rules: string): Promise<string> {
    policies += 1;
    const policy = { Name: `p${policies}`, Rules: rules };
    expect((await agent.api("PUT", "/v1/acl/policy", policy)).status).toBe(200);
    const made = await agent.api("PUT", "/v1/acl/token", { Policies: [{ Name: policy.Name }] });
    return (made.body as { SecretID: string }).SecretID;
  }

  function registryWith(token: string | (() => string)): ReturnType<typeof consulWith> {
    return consulWith({ address: agent.address, token, requestsPerSecond: 50 }, quick());
  }

  it("registers and finds with the rights that the documentation names", async () => {
    const writer = await tokenWith('service "orders" { policy = "write" }');
    const reader = await tokenWith(
      'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }',
    );
    await using _lease = await registryWith(writer).register(orders("orders-1"));
    await using one = new Observer(registryWith(reader), target, 10_000);
    await using all = new Observer(registryWith(reader), { service }, 10_000);
    await one.seesIds("orders-1");
    await all.seesIds("orders-1");
  });

  it.each([
    ["an unknown token", "00000000-0000-0000-0000-00000000dead"],
    ["no token", ""],
  ])("refuses to register with %s, and says what is missing", async (_, token) => {
    const error: unknown = await registryWith(token)
      .register(orders("orders-2"))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectError);
    const denied = error as ConnectError;
    expect(denied.code).toBe(Code.PermissionDenied);
    expect(reasonOf(denied)).toBe("REGISTRY_DENIED");
    expect(denied.message).toContain('service:write on "orders"');
  });

  it("tells of an unknown token, and heals when the provider gives a good one", async () => {
    await using _lease = await registryWith(agent.token ?? "").register(orders("orders-3"));
    let token = "00000000-0000-0000-0000-00000000dead";
    const registry = registryWith(() => token);
    await using one = new Observer(registry, target, 10_000);
    await using all = new Observer(registry, { service }, 10_000);
    for (const observer of [one, all]) {
      const denied = await observer.sees("a problem", (of) => of.problem !== undefined);
      expect(denied.problem?.code).toBe(Code.PermissionDenied);
      expect(reasonOf(denied.problem)).toBe("REGISTRY_DENIED");
    }
    token = agent.token ?? "";
    await one.seesIds("orders-3");
    await all.seesIds("orders-3");
  });

  // Consul answers these with 200 and an empty list.
  it.each([
    ["no token at all", undefined],
    ["a token for another service", 'service "mail" { policy = "read" }'],
    ["a token that may see no nodes", 'service "orders" { policy = "read" }'],
  ])("tells that %s is denied, not that there are no instances", async (_, rules) => {
    await using _lease = await registryWith(agent.token ?? "").register(orders("orders-4"));
    let token = rules === undefined ? "" : await tokenWith(rules);
    const registry = registryWith(() => token);
    await using observer = new Observer(registry, target, 10_000);
    const denied = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(denied.problem?.code).toBe(Code.PermissionDenied);
    expect(denied.instances).toEqual([]);
    token = agent.token ?? "";
    await observer.seesIds("orders-4");
  });

  it("tells a target without a component that no service may be seen", async () => {
    let token = "";
    const registry = registryWith(() => token);
    await using observer = new Observer(registry, { service }, 10_000);
    const denied = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(denied.problem?.code).toBe(Code.PermissionDenied);
    token = agent.token ?? "";
    await observer.seesIds();
  });

  it("believes an empty answer to a token that has the rights", async () => {
    const reader = await tokenWith(
      'service "orders" { policy = "read" } node_prefix "" { policy = "read" }',
    );
    await using observer = new Observer(registryWith(reader), target, 10_000);
    await observer.seesIds();
  });

  it("keeps the last known instances when the token loses its rights", async () => {
    await using _lease = await registryWith(agent.token ?? "").register(orders("orders-5"));
    let token = agent.token ?? "";
    const registry = consulWith(
      { address: agent.address, token: () => token, requestsPerSecond: 50, waitMs: 300 },
      quick(),
    );
    await using observer = new Observer(registry, target, 10_000);
    await observer.seesIds("orders-5");
    token = "";
    const denied = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(denied.instances.map((of) => of.id)).toEqual(["orders-5"]);
    token = agent.token ?? "";
    await observer.seesIds("orders-5");
  });

  it("hands a new token to the agent, which writes to the servers with it", async () => {
    const rules = 'service "orders" { policy = "write" }';
    const first = await tokenWith(rules);
    const second = await tokenWith(rules);
    let token = first;
    const check = { kind: "ttl", ttlMs: 5_000, heartbeatMs: 100 } as const;
    const registry = consulWith({ address: agent.address, token: () => token, check }, quick());
    await using observer = new Observer(registryWith(agent.token ?? ""), target, 10_000);
    await using lease = await registry.register(orders("orders-6"));
    await observer.seesIds("orders-6");
    token = second;
    // The beat after the change registers anew with the second token.
    await lease.setHealth("ok");
    const self = await agent.api("GET", "/v1/acl/token/self", undefined, first);
    const { AccessorID } = self.body as { AccessorID: string };
    expect((await agent.api("DELETE", `/v1/acl/token/${AccessorID}`)).status).toBe(200);
    await lease.setHealth("warning");
    await observer.sees("a warning", (of) => of.instances[0]?.health === "warning");
    await until(async () => (await agent.api("GET", "/v1/agent/service/orders-6")).status === 200);
  });
});
