import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { attemptsCap, defaultHedging, defaultRetry, mergePolicy } from "../../src/contract/merge-policy.ts";
import { methodOf, ms } from "./contract.ts";

describe("mergePolicy", () => {
  test("has a default for everything", () => {
    expect(mergePolicy(methodOf({}))).toEqual({
      timeoutMs: 30_000,
      waitForReady: true,
      idempotent: true,
      retry: {
        maxAttempts: 3,
        initialBackoffMs: 25,
        maxBackoffMs: 250,
        backoffMultiplier: 2,
        codes: [Code.Unavailable],
      },
      hedging: false,
    });
  });

  test("lets each layer win over those before it", () => {
    const all = {
      mesh: { timeoutMs: 1 },
      config: { timeoutMs: 4 },
      client: { timeoutMs: 5 },
      call: { timeoutMs: 6 },
    };
    const method = methodOf({ service: { timeout: ms(2) }, method: { timeout: ms(3) } });
    expect(mergePolicy(method, all).timeoutMs).toBe(6);
    expect(mergePolicy(method, { ...all, call: undefined }).timeoutMs).toBe(5);
    expect(mergePolicy(method, { mesh: all.mesh, config: all.config }).timeoutMs).toBe(4);
    expect(mergePolicy(method, { mesh: all.mesh }).timeoutMs).toBe(3);
    expect(mergePolicy(methodOf({ service: { timeout: ms(2) } }), { mesh: all.mesh }).timeoutMs).toBe(2);
    expect(mergePolicy(methodOf({}), { mesh: all.mesh }).timeoutMs).toBe(1);
  });

  test("lets false win over true, and what is not set over nothing", () => {
    const method = methodOf({ method: { waitForReady: true } });
    expect(mergePolicy(method, { client: { waitForReady: false } }).waitForReady).toBe(false);
    expect(mergePolicy(method, { client: { waitForReady: undefined } }).waitForReady).toBe(true);
    expect(mergePolicy(methodOf({ service: { waitForReady: false } })).waitForReady).toBe(false);
  });

  test("merges retry property by property", () => {
    const method = methodOf({
      service: { retry: { maxAttempts: 4, initialBackoff: ms(10) } },
      method: { retry: { maxBackoff: ms(99) } },
    });
    expect(mergePolicy(method, { client: { retry: { maxAttempts: 2 } } }).retry).toEqual({
      ...defaultRetry,
      maxAttempts: 2,
      initialBackoffMs: 10,
      maxBackoffMs: 99,
    });
  });

  test("starts anew after retry was turned off", () => {
    const method = methodOf({ service: { retry: { maxAttempts: 5 } }, method: { retry: { off: true } } });
    expect(mergePolicy(method).retry).toBe(false);
    expect(mergePolicy(method, { client: { retry: {} } }).retry).toEqual(defaultRetry);
  });

  test("takes more than five attempts as five, unless the client says otherwise", () => {
    const method = methodOf({ method: { retry: { maxAttempts: 9 } } });
    const attempts = (cap?: number): unknown => mergePolicy(method, {}, cap).retry;
    expect(attemptsCap).toBe(5);
    expect(attempts()).toMatchObject({ maxAttempts: 5 });
    expect(attempts(4)).toMatchObject({ maxAttempts: 4 });
    expect(attempts(7)).toMatchObject({ maxAttempts: 7 });
    expect(mergePolicy(methodOf({ method: { retry: { maxAttempts: 3 } } }), {}, 10).retry).toMatchObject({
      maxAttempts: 3,
    });
    const hedged = methodOf({ method: { hedging: { maxAttempts: 9 } } });
    expect(mergePolicy(hedged).hedging).toMatchObject({ maxAttempts: 5 });
  });

  test("holds whichever of retry and hedging was described last", () => {
    const hedged = methodOf({ method: { hedging: {} } });
    expect(mergePolicy(hedged)).toMatchObject({ retry: false, hedging: defaultHedging });
    expect(mergePolicy(hedged, { client: { retry: {} } })).toMatchObject({ retry: defaultRetry, hedging: false });
    expect(mergePolicy(hedged, { client: { retry: false } })).toMatchObject({ retry: false, hedging: defaultHedging });
    expect(mergePolicy(hedged, { client: { hedging: false } })).toMatchObject({ retry: defaultRetry, hedging: false });
    const both = methodOf({ service: { hedging: {} }, method: { retry: { maxAttempts: 4 } } });
    expect(mergePolicy(both)).toMatchObject({ retry: { maxAttempts: 4 }, hedging: false });
  });

  test("does not hedge what may not be carried out twice, and repeats it instead", () => {
    const client = { hedging: {} };
    expect(mergePolicy(methodOf({ idempotent: false }), { client })).toMatchObject({
      retry: defaultRetry,
      hedging: false,
    });
    expect(mergePolicy(methodOf({ serverStreaming: true }), { client }).hedging).toBe(false);
  });

  test("cuts every deadline to that of a service config", () => {
    const config = { timeoutMs: 1_000, maxTimeoutMs: 1_000 };
    expect(mergePolicy(methodOf({}), { config })).toMatchObject({ timeoutMs: 1_000, maxTimeoutMs: 1_000 });
    expect(mergePolicy(methodOf({}), { config, call: { timeoutMs: 9_000 } }).timeoutMs).toBe(1_000);
    expect(mergePolicy(methodOf({}), { config, call: { timeoutMs: 10 } }).timeoutMs).toBe(10);
  });

  test("reads the hash key and names the balancer", () => {
    const method = methodOf({ service: { balancer: "round_robin" }, method: { balancer: "ring_hash", hashKey: "id" } });
    const policy = mergePolicy(method);
    expect(policy.balancer).toBe("ringHash");
    expect(policy.hashKey?.({ $typeName: "t.M", id: "7" } as never)).toBe("7");
    expect(mergePolicy(methodOf({ service: { hashKey: "id" }, clientStreaming: true })).hashKey).toBeUndefined();
  });

  test("limits a server only when the contract does, and keeps the bounds in order", () => {
    expect(mergePolicy(methodOf({ service: { concurrency: { maxCalls: 8, adaptive: true } } })).concurrency).toEqual({
      maxCalls: 8,
      adaptive: true,
      minCalls: 8,
    });
    const method = methodOf({ service: { concurrency: { adaptive: true } }, method: { concurrency: { maxCalls: 30 } } });
    expect(mergePolicy(method).concurrency).toEqual({ maxCalls: 30, adaptive: true, minCalls: 20 });
  });

  test.each([
    ["mesh", { mesh: { timeoutMs: -1 } }, "the options of the mesh for t.S.Do set timeoutMs to -1: it must be above 0"],
    ["client", { client: { retry: { maxAttempts: 1 } } }, "the options of the client for t.S.Do set retry.maxAttempts to 1"],
    ["client", { client: { retry: {}, hedging: {} } }, "the options of the client for t.S.Do set hedging beside retry"],
    ["call", { call: { hashKey: "who" } }, "the options of the call for t.S.Do set hashKey to who"],
    ["client", { client: { timeoutMs: Number.NaN } }, "set timeoutMs to NaN"],
    ["client", { client: { hedging: { delayMs: Infinity } } }, 'set hedging.delayMs to Infinity: it must be 0 or more, or "p95"'],
  ])("names the layer that makes no sense: %s", (_, layers, message) => {
    expect(() => mergePolicy(methodOf({}), layers)).toThrow(message);
  });
});
