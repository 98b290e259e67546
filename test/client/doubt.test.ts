import { Code } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, staticRegistry, subscribe } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { ToxicProxy } from "../faults/toxic-proxy.ts";
import { startMesh } from "../support/mesh.ts";
import { failure } from "../support/outcome.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

/** A client of a server behind a proxy that ejects after one failure, without a keepalive interval. */
async function behindProxy() {
  const server = await startMesh();
  const proxy = await ToxicProxy.start(server.port);
  const caller = createMesh({
    registry: staticRegistry({ "greet.v1.GreetService": [proxy.address] }),
    outlier: { consecutiveFailures: 1, intervalMs: 600_000, baseEjectionMs: 600_000 },
    keepalive: { timeoutMs: 400 },
    retry: false,
  });
  const lost: unknown[] = [];
  let ejected = 0;
  const ends = [
    subscribe("peer.lost", ({ error }) => lost.push(error)),
    subscribe("peer.ejected", () => ejected++),
  ];
  onTestFinished(async () => {
    for (const end of ends) end();
    await caller.close();
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  const greet = caller.client(GreetService);
  await greet.greet({ name: "Ada" });
  return { proxy, greet, lost, ejected: () => ejected };
}

test("an instance that is ejected while its packets vanish is lost although no call runs, and reached anew", async () => {
  const { proxy, greet, lost, ejected } = await behindProxy();
  proxy.toxics = { blackHole: "both" };
  expect((await failure(greet.greet({ name: "Ada" }, { timeoutMs: 100 }))).code).toBe(Code.DeadlineExceeded);
  expect(ejected()).toBe(1);
  await until(() => lost.length === 1, { what: "the loss of the connection" });
  expect(String(lost[0])).toMatch(/did not answer a keepalive PING within 400 ms/);
  proxy.toxics = {};
  await until(() => proxy.connectedMs.length > 1, { what: "another connection", timeoutMs: 10_000 });
  expect((await greet.greet({ name: "Ada" })).message).toContain("Ada");
});

test("one whose connection is well is ejected without losing it", async () => {
  const { proxy, greet, lost, ejected } = await behindProxy();
  proxy.toxics = { latencyMs: 150 };
  expect((await failure(greet.greet({ name: "Ada" }, { timeoutMs: 50 }))).code).toBe(Code.DeadlineExceeded);
  proxy.toxics = {};
  expect(ejected()).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect((await greet.greet({ name: "Ada" })).message).toContain("Ada");
  expect([proxy.connectedMs.length, lost]).toEqual([1, []]);
});
