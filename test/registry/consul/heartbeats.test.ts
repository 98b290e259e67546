import { describe, expect, it } from "vitest";
import { consulWith } from "../../../src/registry/consul/consul.ts";
import { Observer } from "../../../src/testing/registry-observer.ts";
import { until } from "../../../src/testing/until.ts";
import { entry, never, startFakeConsul } from "../../support/fake-consul.ts";
import { orders, quick, service } from "./quick.ts";

describe("heartbeats", () => {
  it("go on while many watches wait for what the leader says, and there is none", async () => {
    let waiting = 0;
    let beats = 0;
    await using fake = await startFakeConsul((request) => {
      if (request.method === "PUT") {
        if (request.path.includes("/check/pass/")) beats += 1;
        return {};
      }
      if (request.stale) return { index: "3", body: [entry("old")], headers: { "x-consul-knownleader": "false" } };
      waiting += 1;
      return never(request);
    });
    const check = { kind: "ttl", ttlMs: 3_000, heartbeatMs: 100 } as const;
    const registry = consulWith({ address: fake.address, check }, quick());
    await using _lease = await registry.register(orders("orders-1"));
    const observers = Array.from(
      { length: 30 },
      (_, at) => new Observer(registry, { service, component: `orders-${at}` }, 10_000),
    );
    await until(() => waiting >= 8);
    const before = beats;
    // A request to the leader is given up only after 5 s.
    await until(() => beats >= before + 3, { timeoutMs: 3_000 });
    for (const observer of observers) await observer[Symbol.asyncDispose]();
    expect(waiting).toBeGreaterThanOrEqual(8);
  });
});
