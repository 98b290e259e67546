import { setTimeout as delay } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, progressOf, staticRegistry } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { ToxicProxy } from "../faults/toxic-proxy.ts";
import { startMesh } from "../support/mesh.ts";
import { failure } from "../support/outcome.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

/** Calls go out from so many places at a time. */
const places = 20;

/** A server behind a proxy that refuses connections. */
async function refusing(): Promise<ToxicProxy> {
  const server = await startMesh();
  const proxy = await ToxicProxy.start(server.port);
  onTestFinished(async () => {
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  proxy.toxics = { refuse: true };
  return proxy;
}

function clientOf(proxies: readonly ToxicProxy[], waitForReady: boolean) {
  const addresses = proxies.map(({ address }) => address);
  const mesh = createMesh({ registry: staticRegistry({ "greet.v1.GreetService": addresses }), waitForReady, connectTimeoutMs: 1_000 });
  onTestFinished(() => mesh.close());
  return mesh.client(GreetService);
}

/** Makes calls from all places for a time. Returns how many. */
async function busy(forMs: number, call: () => Promise<unknown>): Promise<number> {
  const endMs = performance.now() + forMs;
  let calls = 0;
  const place = async (): Promise<void> => {
    while (performance.now() < endMs) {
      calls++;
      await call();
      await delay(5);
    }
  };
  await Promise.all(Array.from({ length: places }, place));
  return calls;
}

describe("attempts to connect to an instance", () => {
  test("are shared by all calls that come meanwhile", async () => {
    const proxy = await refusing();
    proxy.toxics = { blackHole: "both" };
    const greet = clientOf([proxy], false);
    const calls = Array.from({ length: 50 }, () => failure(greet.greet({}, { timeoutMs: 400 })));
    expect(new Set((await Promise.all(calls)).map(({ code }) => code))).toEqual(new Set([Code.DeadlineExceeded]));
    expect(proxy.connectedMs).toHaveLength(1);
  });

  test("are made without calls, after the pauses of its backoff, while another instance can be reached", async () => {
    const [down, up] = [await refusing(), await refusing()];
    up.toxics = {};
    const greet = clientOf([down, up], true);
    const calls = await busy(2_500, () => greet.greet({}));
    expect(calls).toBeGreaterThan(100);
    // One by a call, the next ones after 1 s and 1.6 s, give or take a fifth.
    expect(down.connectedMs.length).toBeLessThanOrEqual(4);
    expect(up.connectedMs).toHaveLength(1);
  });

  test("are no more than four a second, after the first four, when none can be reached; what comes in between fails at once as the last one did", async () => {
    const proxy = await refusing();
    const greet = clientOf([proxy], false);
    const calls = await busy(2_000, async () => {
      const error = await failure(greet.greet({}));
      expect([error.code, progressOf(error)]).toEqual([Code.Unavailable, "unsent"]);
      expect(error.rawMessage).toMatch(/^cannot connect to http:\/\/127\.0\.0\.1:\d+: connect ECONN/);
    });
    const { connectedMs } = proxy;
    const pauses = connectedMs.slice(4).map((ms, at) => ms - (connectedMs[at] ?? 0));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(249);
    expect(connectedMs.length).toBeGreaterThan(4);
    expect(calls).toBeGreaterThan(10 * connectedMs.length);
  });
});

describe("an instance that comes back", () => {
  test("after 300 ms answers a call that waits for it", async () => {
    const proxy = await refusing();
    const greet = clientOf([proxy], true);
    const waiting = greet.greet({ name: "Ada" }, { timeoutMs: 10_000 });
    await until(() => proxy.connectedMs.length > 0);
    await delay(300);
    proxy.toxics = {};
    expect((await waiting).message).toContain("Ada");
  });

  test("is found by the next call at once, long before its backoff is over", async () => {
    const proxy = await refusing();
    const greet = clientOf([proxy], false);
    for (let call = 0; call < 3; call++) await failure(greet.greet({}));
    expect(proxy.connectedMs.length).toBeGreaterThanOrEqual(3);
    proxy.toxics = {};
    expect((await greet.greet({ name: "Ada" })).message).toContain("Ada");
  });
});
