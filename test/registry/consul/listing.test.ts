import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { consul } from "../../../src/registry/consul/consul.ts";
import { until } from "../../../src/testing/until.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../../support/consul-agent.ts";
import { orders } from "./quick.ts";

describe.skipIf(!hasConsul)("listing what is in Consul", () => {
  let agent: ConsulAgent;
  beforeAll(async () => {
    agent = await startConsul({ acl: true });
  });
  afterAll(async () => {
    await agent.stop();
  });

  const registry = (token?: string) => consul({ address: agent.address, token: token ?? agent.token ?? "" });

  async function tokenWith(name: string, rules: string): Promise<string> {
    expect((await agent.api("PUT", "/v1/acl/policy", { Name: name, Rules: rules })).status).toBe(200);
    const made = await agent.api("PUT", "/v1/acl/token", { Policies: [{ Name: name }] });
    return (made.body as { SecretID: string }).SecretID;
  }

  it("shows the mesh's services, and passes over Consul's own and those of others", async () => {
    const foreign = { Name: "postgres", ID: "postgres", Port: 5432, Tags: ["primary"] };
    expect((await agent.api("PUT", "/v1/agent/service/register", foreign)).status).toBe(200);
    await using _a = await registry().register(orders("orders-1"));
    await using _b = await registry().register(orders("archive-1", { component: "archive" }));
    await until(async () => {
      expect(await registry().list()).toEqual([orders("archive-1", { component: "archive" }), orders("orders-1")]);
      return true;
    });
  });

  it("can be done often, at once, and beside a watch of the same registry", async () => {
    const shared = registry();
    await using _a = await shared.register(orders("orders-1"));
    await until(async () => (await shared.list()).length === 1);
    const stop = new AbortController();
    const watch = shared.watch({ service: "shop.v1.Orders" }, stop.signal)[Symbol.asyncIterator]();
    await watch.next();
    const lists = await Promise.all(Array.from({ length: 5 }, () => shared.list()));
    expect(lists.map((list) => list.map(({ id }) => id).join())).toEqual(Array(5).fill("orders-1"));
    stop.abort();
    expect(await watch.next()).toMatchObject({ done: true });
  });

  it("fails when the token may not look, and says which right is missing", async () => {
    const none = await tokenWith("none", "");
    await expect(registry(none).list()).rejects.toMatchObject({ code: Code.PermissionDenied });
    await using _a = await registry().register(orders("orders-1"));
    await until(async () => (await registry().list()).length === 1);
    const noNodes = await tokenWith("no-nodes", 'service_prefix "" { policy = "read" }');
    // It says so of the first service that it hears of: this one, or the foreign one of another test.
    await expect(registry(noNodes).list()).rejects.toThrow(/service:read on "(orders|postgres)", and node:read/);
  });

  it("fails when no agent answers, and ends when the signal aborts", async () => {
    const nowhere = consul({ address: "http://127.0.0.1:1" });
    await expect(nowhere.list()).rejects.toMatchObject({ code: Code.Unavailable });
    const stop = new AbortController();
    const listing = registry().list(stop.signal);
    stop.abort(new Error("enough"));
    await expect(listing).rejects.toThrow("enough");
  });
});
