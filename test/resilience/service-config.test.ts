import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { balancerName } from "../../src/contract/balancer-name.ts";
import { mergePolicy } from "../../src/contract/merge-policy.ts";
import type { PolicyLayer } from "../../src/contract/policy.ts";
import { reasonOf } from "../../src/error.ts";
import type { ServiceConfig } from "../../src/resilience/service-config.ts";
import { serviceConfig } from "../../src/resilience/service-config.ts";
import type { ServiceConfigJson } from "../../src/resilience/service-config-json.ts";
import { methodOf } from "../contract/contract.ts";

function read(json: unknown): ServiceConfig {
  return serviceConfig(json as ServiceConfigJson);
}

/** The layer for `t.S.Do` of a config with one methodConfig for it. */
function layer(config: object): PolicyLayer {
  return read({ methodConfig: [{ name: [{ service: "t.S", method: "Do" }], ...config }] }).layerFor(methodOf({}));
}

const retryPolicy = {
  maxAttempts: 2,
  initialBackoff: "2s",
  maxBackoff: "10s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE"],
};

describe("a service config", () => {
  test("may say nothing", () => {
    expect(read({})).toMatchObject({ balancer: undefined, throttle: undefined, healthService: undefined });
    expect(read({ methodConfig: [], unknownField: 7 }).layerFor(methodOf({}))).toEqual({});
  });

  test("says how calls are made", () => {
    expect(layer({ waitForReady: false, timeout: "1.5s", retryPolicy })).toEqual({
      timeoutMs: 1_500,
      maxTimeoutMs: 1_500,
      waitForReady: false,
      retry: {
        maxAttempts: 2,
        initialBackoffMs: 2_000,
        maxBackoffMs: 10_000,
        backoffMultiplier: 2,
        codes: [Code.Unavailable],
      },
    });
  });

  test("hedges all at once, and ends with any failure, where it says no more", () => {
    expect(layer({ hedgingPolicy: { maxAttempts: 4 } }).hedging).toEqual({
      maxAttempts: 4,
      delayMs: 0,
      nonFatalCodes: [],
    });
    const nonFatalStatusCodes = ["UNAVAILABLE", "INTERNAL", "ABORTED"];
    const full = layer({ hedgingPolicy: { maxAttempts: 4, hedgingDelay: "0.5s", nonFatalStatusCodes } });
    expect(full.hedging).toEqual({
      maxAttempts: 4,
      delayMs: 500,
      nonFatalCodes: [Code.Unavailable, Code.Internal, Code.Aborted],
    });
  });

  test("may spell fields as proto files do, and null is absent", () => {
    const snake = { max_attempts: 3, initial_backoff: "1s", max_backoff: "1s", backoff_multiplier: 1 };
    expect(layer({ wait_for_ready: true, retry_policy: { ...snake, retryable_status_codes: [14] } })).toMatchObject({
      waitForReady: true,
      retry: { maxAttempts: 3, codes: [Code.Unavailable] },
    });
    expect(layer({ waitForReady: null, timeout: null, retryPolicy: null })).toEqual({});
  });

  test.each([
    [["UNAVAILABLE"], [Code.Unavailable]],
    [["unavailable", "Resource_Exhausted"], [Code.Unavailable, Code.ResourceExhausted]],
    [[14, 1, 16], [Code.Unavailable, Code.Canceled, Code.Unauthenticated]],
    [["CANCELLED", "OK", "DATA_LOSS"], [Code.Canceled, Code.DataLoss]],
  ])("names codes as numbers or in any case: %j", (retryableStatusCodes, codes) => {
    expect(layer({ retryPolicy: { ...retryPolicy, retryableStatusCodes } }).retry).toMatchObject({ codes });
  });

  // grpc-go, internal/serviceconfig/duration_test.go.
  test.each([
    ["1s", 1_000],
    ["100.700s", 100_700],
    [".050s", 50],
    ["0.000000001s", 1e-6],
    ["3.s", 3_000],
    ["315576000000s", 315_576_000_000_000],
  ])("has durations in seconds: %s", (timeout, ms) => {
    expect(layer({ timeout }).timeoutMs).toBe(ms);
  });

  test("throttles, watches health, and chooses the first balancer that is known", () => {
    const config = read({
      retryThrottling: { maxTokens: 10, tokenRatio: 0.1 },
      healthCheckConfig: { serviceName: "foo" },
      loadBalancingConfig: [{ not_a_balancer: {} }, { ring_hash_experimental: { minRingSize: 9 } }, { round_robin: {} }],
    });
    expect(config.throttle).toEqual({ maxTokens: 10, tokenRatio: 0.1 });
    expect(config.healthService).toBe("foo");
    expect(config.balancer).toEqual({
      name: "ringHash",
      options: { minRingSize: 9 },
      path: "serviceConfig.loadBalancingConfig[1].ring_hash_experimental",
      outlier: undefined,
    });
    expect(config.layerFor(methodOf({})).balancer).toBe("ringHash");
    expect(read({ healthCheckConfig: {} }).healthService).toBeUndefined();
    expect(read({ healthCheckConfig: { serviceName: "" } }).healthService).toBe("");
  });

  test("knows the older way to name a balancer, which the list goes before", () => {
    for (const loadBalancingPolicy of ["round_robin", "ROUND_ROBIN", "Round_Robin", "roundRobin"]) {
      expect(read({ loadBalancingPolicy }).balancer?.name).toBe("roundRobin");
    }
    const both = { loadBalancingPolicy: "unknown", loadBalancingConfig: [{ peakEwma: {} }] };
    expect(read(both).balancer?.name).toBe("peakEwma");
  });

  test("ejects outliers around the balancer inside, by the rules that it has", () => {
    const { balancer } = read({
      loadBalancingConfig: [
        {
          outlier_detection_experimental: {
            interval: "0.050s",
            baseEjectionTime: "0.100s",
            maxEjectionTime: "300s",
            maxEjectionPercent: 33,
            failurePercentageEjection: { threshold: 50, enforcementPercentage: 100, minimumHosts: 3, requestVolume: 5 },
            childPolicy: [{ unheard_of: {} }, { round_robin: {} }],
          },
        },
      ],
    });
    expect(balancer).toMatchObject({
      name: "roundRobin",
      outlier: {
        intervalMs: 50,
        baseEjectionMs: 100,
        maxEjectionMs: 300_000,
        maxEjectionPercent: 33,
        successRate: false,
        failurePercentage: { thresholdPercent: 50, enforcementPercent: 100, minimumHosts: 3, requestVolume: 5 },
        consecutiveFailures: false,
      },
    });
  });
});

describe("the names of a service config", () => {
  const named = (...names: readonly object[]): object => ({ waitForReady: true, name: names });

  test("are of a method, of a service or of all; the most specific one holds alone", () => {
    const config = read({
      methodConfig: [
        { name: [{}], timeout: "1s", waitForReady: false },
        { name: [{ service: "t.S" }, { service: "t.T", method: "Go" }], timeout: "2s" },
        { name: [{ service: "t.S", method: "Do" }], waitForReady: true },
      ],
    });
    expect(config.layerFor(methodOf({}))).toEqual({ waitForReady: true });
    const service = read({ methodConfig: [{ name: [{}], timeout: "1s" }, { name: [{ service: "t.S" }], timeout: "2s" }] });
    expect(service.layerFor(methodOf({})).timeoutMs).toBe(2_000);
    const other = read({ methodConfig: [{ name: [{}], timeout: "1s" }, { name: [{ service: "t.T" }], timeout: "2s" }] });
    expect(other.layerFor(methodOf({})).timeoutMs).toBe(1_000);
  });

  test.each([[{}], [{ service: "" }], [{ service: null }], [{ service: "", method: null }]])("that are %j are of all", (name) => {
    expect(read({ methodConfig: [named(name)] }).layerFor(methodOf({})).waitForReady).toBe(true);
  });

  test("may be none: then the entry is for no method, and is not looked at", () => {
    const config = read({ methodConfig: [{ timeout: "nonsense" }, { name: [], waitForReady: true }] });
    expect(config.layerFor(methodOf({}))).toEqual({});
  });

  test.each([
    ["twice in an entry", [named({ service: "foo" }, { service: "foo" })]],
    ["twice", [named({ service: "t.S", method: "Do" }), named({ service: "t.S", method: "Do" })]],
    ["twice for all", [named({}), named({ service: "" })]],
  ])("are there once: %s", (_, methodConfig) => {
    expect(() => read({ methodConfig })).toThrow("is in the service config twice");
  });

  test("are in messages about what is set for them: of many the first", () => {
    const names = ["a.A", "b.B", "c.C", "d.D", "e.E"].map((service) => ({ service }));
    const wrong = (name: readonly object[]): unknown => read({ methodConfig: [{ name, timeout: "0s" }] });
    expect(() => wrong([{}, { service: "a.A", method: "Go" }])).toThrow("serviceConfig.methodConfig[0] (for all methods, a.A.Go) sets");
    expect(() => wrong(names)).toThrow("(for a.A, b.B, c.C and 2 more) sets");
    expect(() => read({ methodConfig: [named({ service: "a.A" }, { service: "a.A" })] })).toThrow("name[1] (a.A) is in");
  });

  test.each([[{ method: "Bar" }], [{ service: "", method: "Bar" }]])("are of no method without a service: %j", (name) => {
    expect(() => read({ methodConfig: [named(name)] })).toThrow("serviceConfig.methodConfig[0].name[0] has a method without");
  });
});

describe("an invalid service config", () => {
  const at = (config: object): object => ({ methodConfig: [{ name: [{ service: "foo" }], ...config }] });
  const retry = (change: object): object => at({ retryPolicy: { ...retryPolicy, ...change } });
  const hedging = (change: object): object => at({ hedgingPolicy: { maxAttempts: 3, ...change } });
  const lb = (...loadBalancingConfig: readonly unknown[]): object => ({ loadBalancingConfig });

  test.each([
    ["no object", [], "serviceConfig is []: it must be an object"],
    ["no text", { loadBalancingPolicy: 1 }, "serviceConfig.loadBalancingPolicy is 1: it must be a text"],
    ["a flag that is none", at({ waitForReady: "true" }), 'methodConfig[0].waitForReady (for foo) is "true": it must be true or false'],
    ["no list", { methodConfig: {} }, "serviceConfig.methodConfig is {}: it must be a list"],
    ["a duration of minutes", at({ timeout: "5m" }), 'methodConfig[0].timeout (for foo) is "5m": it must be a duration in seconds'],
    ["3c", at({ timeout: "3c" }), 'timeout (for foo) is "3c"'],
    ["5.3.2s", at({ timeout: "5.3.2s" }), "must be a duration"],
    ["x.3s", at({ timeout: "x.3s" }), "must be a duration"],
    ["3.xs", at({ timeout: "3.xs" }), "must be a duration"],
    ["too many decimals", at({ timeout: "3.1234567890s" }), "must be a duration"],
    [".s", at({ timeout: ".s" }), "must be a duration"],
    ["s", at({ timeout: "s" }), "must be a duration"],
    ["a duration of ages", at({ timeout: "315576000001s" }), "must be a duration"],
    ["a number", at({ timeout: 5 }), "timeout (for foo) is 5: it must be a duration"],
    ["a negative timeout", at({ timeout: "-1s" }), "serviceConfig.methodConfig[0] (for foo) sets timeout to -1000 ms: it must be above 0"],
    ["-1 attempts", retry({ maxAttempts: -1 }), "sets retryPolicy.maxAttempts to -1: it must be an integer of 2 or more"],
    ["one attempt", retry({ maxAttempts: 1 }), "sets retryPolicy.maxAttempts to 1"],
    ["2.5 attempts", retry({ maxAttempts: 2.5 }), "sets retryPolicy.maxAttempts to 2.5"],
    ["attempts as text", retry({ maxAttempts: "2" }), 'maxAttempts (for foo) is "2": it must be a number'],
    ["no attempts", retry({ maxAttempts: undefined }), "methodConfig[0].retryPolicy.maxAttempts (for foo) is missing"],
    ["no first pause", retry({ initialBackoff: undefined }), "retryPolicy.initialBackoff (for foo) is missing"],
    ["a first pause of 0", retry({ initialBackoff: "0s" }), "sets retryPolicy.initialBackoff to 0 ms: it must be above 0"],
    ["a longest pause of 0", retry({ maxBackoff: "0s" }), "sets retryPolicy.maxBackoff to 0 ms"],
    ["no longest pause", retry({ maxBackoff: undefined }), "retryPolicy.maxBackoff (for foo) is missing"],
    ["no growth", retry({ backoffMultiplier: undefined }), "retryPolicy.backoffMultiplier (for foo) is missing"],
    ["a growth of 0", retry({ backoffMultiplier: 0 }), "sets retryPolicy.backoffMultiplier to 0"],
    ["no codes", retry({ retryableStatusCodes: [] }), "sets retryPolicy.retryableStatusCodes to []: it must be a list of codes of failures, with at least one"],
    ["missing codes", retry({ retryableStatusCodes: undefined }), "retryableStatusCodes (for foo) is missing"],
    ["an unknown code", retry({ retryableStatusCodes: ["GONE"] }), 'retryableStatusCodes[0] (for foo) is "GONE": it must be a code'],
    ["a code 17", retry({ retryableStatusCodes: [14, 17] }), "retryableStatusCodes[1] (for foo) is 17"],
    ["a code of half", retry({ retryableStatusCodes: [1.5] }), "retryableStatusCodes[0] (for foo) is 1.5"],
    ["one copy", hedging({ maxAttempts: 1 }), "sets hedgingPolicy.maxAttempts to 1"],
    ["no copies", hedging({ maxAttempts: undefined }), "hedgingPolicy.maxAttempts (for foo) is missing"],
    ["a negative delay", hedging({ hedgingDelay: "-1s" }), "sets hedgingPolicy.hedgingDelay to -1000 ms: it must be 0 or more"],
    ["an unknown fatal code", hedging({ nonFatalStatusCodes: ["X"] }), 'nonFatalStatusCodes[0] (for foo) is "X"'],
    ["both", at({ retryPolicy, hedgingPolicy: { maxAttempts: 2 } }), "sets hedgingPolicy beside retryPolicy"],
    ["no tokens", { retryThrottling: { maxTokens: 0, tokenRatio: 1 } }, "sets retryThrottling.maxTokens to 0"],
    ["1001 tokens", { retryThrottling: { maxTokens: 1_001, tokenRatio: 1 } }, "an integer from 1 to 1000"],
    ["no ratio", { retryThrottling: { maxTokens: 10 } }, "retryThrottling.tokenRatio is missing"],
    ["a negative ratio", { retryThrottling: { maxTokens: 10, tokenRatio: -1 } }, "sets retryThrottling.tokenRatio to -1"],
    ["no balancer", lb(), "loadBalancingConfig is []: it must be a list with a balancer that this client has"],
    ["no balancer that is known", lb({ a: {} }, { b: {} }), "a balancer that this client has: one of pick_first, round_robin,"],
    ["an unknown balancer in the older way", { loadBalancingPolicy: "unknown" }, 'serviceConfig.loadBalancingPolicy is "unknown": it must be one of pick_first, round_robin,'],
    ["two balancers in one", lb({ a: {}, b: {} }), "loadBalancingConfig[0] is"],
    ["a balancer of nothing", lb({}), "must be an object with the name of one balancer"],
    ["a balancer as a text", lb("round_robin"), 'loadBalancingConfig[0] is "round_robin": it must be an object'],
    ["ejection without a balancer", lb({ outlier_detection_experimental: {} }), "outlier_detection_experimental.childPolicy is missing"],
    [
      "ejection that makes no sense",
      lb({ outlier_detection_experimental: { maxEjectionPercent: 101, childPolicy: [{ round_robin: {} }] } }),
      "outlier_detection_experimental sets maxEjectionPercent to 101: it must be from 0 to 100",
    ],
    [
      "a rule of ejection that makes no sense, though another balancer follows",
      lb(
        { outlier_detection_experimental: { successRateEjection: { enforcementPercentage: 101 }, childPolicy: [{ round_robin: {} }] } },
        { round_robin: {} },
      ),
      "sets successRateEjection.enforcementPercentage to 101",
    ],
  ])("is refused whole, with the place: %s", (_, json, message) => {
    let error: unknown;
    try {
      read(json);
    } catch (thrown) {
      error = thrown;
    }
    expect(String(error)).toContain(message);
    expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
  });

  test("for a method that may not be carried out twice names that method", () => {
    const exact = read({ methodConfig: [{ name: [{ service: "t.S", method: "Do" }], retryPolicy }] });
    expect(() => exact.layerFor(methodOf({}))).not.toThrow();
    expect(() => exact.layerFor(methodOf({ idempotent: false }))).toThrow(
      "serviceConfig.methodConfig[0] (for t.S.Do) sets retryPolicy.retryableStatusCodes to Unavailable, with which a call to t.S.Do",
    );
    const hedged = read({ methodConfig: [{ name: [{ service: "t.S", method: "Do" }], hedgingPolicy: { maxAttempts: 2 } }] });
    expect(() => hedged.layerFor(methodOf({ idempotent: false }))).toThrow("sets hedgingPolicy though t.S.Do has no");
    const whole = read({ methodConfig: [{ name: [{ service: "t.S" }], hedgingPolicy: { maxAttempts: 2 } }] });
    expect(() => whole.layerFor(methodOf({ idempotent: false }))).not.toThrow();
  });
});

describe("a service config among the other policies", () => {
  test("wins over the contract and yields to the client, but for the bound of the deadline", () => {
    const method = methodOf({ method: { timeout: { seconds: 9n }, retry: { maxAttempts: 5 } } });
    const config = read({ methodConfig: [{ name: [{}], timeout: "2s", retryPolicy }] }).layerFor(method);
    expect(mergePolicy(method, { config })).toMatchObject({ timeoutMs: 2_000, retry: { maxAttempts: 2 } });
    const client = { timeoutMs: 5_000, retry: { maxAttempts: 3 } };
    expect(mergePolicy(method, { config, client })).toMatchObject({ timeoutMs: 2_000, retry: { maxAttempts: 3 } });
  });
});

describe("balancerName", () => {
  test.each([
    ["round_robin", "roundRobin"],
    ["roundRobin", "roundRobin"],
    ["pick_first", "first"],
    ["least_request_experimental", "leastRequest"],
    ["ring_hash_experimental", "ringHash"],
    ["weighted_round_robin", "weighted"],
    ["peak_ewma", "peakEwma"],
    ["mine", "mine"],
  ])("is that of the factory: %s", (name, ours) => {
    expect(balancerName(name)).toBe(ours);
  });
});
