import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { GreetService } from "../gen/greet/v1/greet_pb.ts";
import { createMesh, memory, reasonOf, roundRobin } from "../src/index.ts";
import type { ServiceConfigJson } from "../src/index.ts";
import { connectionSettings } from "../src/mesh-options.ts";
import { defaultLimits } from "../src/server/options.ts";

/** The message of the configuration error that options lead to. */
function refusalOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
    return ConnectError.from(error).rawMessage;
  }
  return "no error";
}

/** What a mesh says to options, for whatever is no type of theirs. */
function mesh(options: object): string {
  return refusalOf(() => createMesh({ registry: memory(), ...options }));
}

function client(options: object): string {
  return refusalOf(() => createMesh({ registry: memory() }).client(GreetService, options));
}

/** What both have. */
const ofBoth: readonly (readonly [object, string])[] = [
  [{ retryBudget: { ttlMs: 0 } }, "retryBudget.ttlMs to 0: it must be 1 or more"],
  [{ retryBudget: { ttlMs: 1e-9 } }, "retryBudget.ttlMs to 1e-9: it must be 1 or more"],
  [{ retryBudget: { ttlMs: Infinity } }, "retryBudget.ttlMs to Infinity"],
  [{ retryBudget: { ratio: Number.NaN } }, "retryBudget.ratio to NaN: it must be 0 or more"],
  [{ retryBudget: { ratio: -1 } }, "retryBudget.ratio to -1"],
  [{ retryBudget: { minPerSecond: "1" } }, 'retryBudget.minPerSecond to "1": it must be a number of 0 or more'],
  [{ retryBudget: { percent: 20 } }, "retryBudget.percent though there is no such option: there are ratio, minPerSecond, ttlMs"],
  [{ retryBudget: false }, "retryBudget to false: it must be an object with options"],
  [{ outlier: { codes: Code.Unavailable } }, "outlier.codes to 14: it must be a list of codes of failures"],
  [{ outlier: { codes: ["unavailable"] } }, 'outlier.codes to ["unavailable"]'],
  [{ outlier: { intervalMs: -1 } }, "outlier.intervalMs to -1: it must be above 0"],
  [{ outlier: { probation: 1 } }, "outlier.probation to 1: it must be true or false"],
  [{ outlier: true }, "outlier to true: it must be an object with options, or false"],
  [{ balancer: "round_robin" }, 'balancer to "round_robin": it must be a balancer, such as roundRobin()'],
  [{ healthCheck: 5 }, "healthCheck to 5: it must be true, false, or the name of a service"],
  [{ waitForReady: "no" }, 'waitForReady to "no": it must be true or false'],
  [{ timeoutMs: "5s" }, 'timeoutMs to "5s": it must be a number above 0'],
  [{ retry: true }, "retry to true: it must be an object with options, or false"],
  [{ retry: null }, "retry to null: it must be an object"],
  [{ retry: { attempts: 2 } }, "retry.attempts though there is no such option: there are maxAttempts,"],
  [{ retry: { codes: [] } }, "retry.codes to []: it must be a list of codes of failures, with at least one"],
  [{ hedging: { delayMs: "p99" } }, 'hedging.delayMs to "p99": it must be a number of 0 or more, or "p95"'],
  [{ retrry: {} }, "retrry though there is no such option: there are "],
  [{ interceptors: () => undefined }, "interceptors to a function: it must be a list of functions"],
  [{ interceptors: 5 }, "interceptors to 5: it must be a list of functions"],
  [{ interceptors: ["log"] }, 'interceptors to ["log"]: it must be a list of functions'],
  [{ interceptors: [() => undefined, undefined] }, "interceptors to [a function, undefined]: it must be a list of functions"],
];

describe("options that make no sense", () => {
  test.each(ofBoth)("are an error when the mesh is made: %j", (options, message) => {
    expect(mesh(options)).toContain(`the options of the mesh set ${message}`);
  });

  test.each(ofBoth)("are an error when the client is made: %j", (options, message) => {
    expect(client(options)).toContain(`the options of the client set ${message}`);
  });

  test.each([
    [{ connectTimeoutMs: 0 }, "connectTimeoutMs to 0: it must be above 0"],
    [{ connectTimeoutMs: -5 }, "connectTimeoutMs to -5"],
    [{ connectTimeoutMs: Infinity }, "connectTimeoutMs to Infinity"],
    [{ emptyGraceMs: -1 }, "emptyGraceMs to -1: it must be 0 or more, or Infinity"],
    [{ maxSessions: 0 }, "maxSessions to 0: it must be an integer of 1 or more, or Infinity"],
    [{ maxSessions: -1 }, "maxSessions to -1"],
    [{ maxSessions: 1.5 }, "maxSessions to 1.5"],
    [{ keepalive: { intervalMs: -1 } }, "keepalive.intervalMs to -1: it must be 0 or more, or Infinity"],
    [{ keepalive: { intervalMs: Number.NaN } }, "keepalive.intervalMs to NaN"],
    [{ keepalive: { timeoutMs: -5 } }, "keepalive.timeoutMs to -5: it must be above 0"],
    [{ keepalive: { interval: 10 } }, "keepalive.interval though there is no such option: there are intervalMs,"],
    [{ keepalive: true }, "keepalive to true: it must be an object with options"],
    [{ health: { intervalMs: 0 } }, "health.intervalMs to 0: it must be above 0"],
    [{ limits: { maxRunningCalls: 0 } }, "limits.maxRunningCalls to 0: it must be an integer of 1 or more, or Infinity"],
    [{ drain: { graceMs: -1 } }, "drain.graceMs to -1: it must be 0 or more"],
    [{ concurrency: { adaptive: "yes" } }, 'concurrency.adaptive to "yes": it must be true or false'],
    [{ concurrency: { max: 5 } }, "concurrency.max though there is no such option"],
    [{ components: {} }, "components to an object: it must be a list"],
    [{ cors: "*" }, 'cors to "*": it must be true, false, or an object with options'],
    [{ fastPath: 0 }, "fastPath to 0: it must be true or false"],
    [{ hashKey: "id" }, "hashKey though there is no such option"],
  ])("are an error of a mesh: %j", (options, message) => {
    expect(mesh(options)).toContain(`the options of the mesh set ${message}`);
  });

  test("are no error when they are left out by being undefined", () => {
    const unset = Object.fromEntries(["retry", "outlier", "limits", "keepalive", "maxSessions", "retrry"].map((name) => [name, undefined]));
    const limits = { maxRunningCalls: undefined, maxRuningCalls: undefined };
    expect([mesh(unset), mesh({ limits }), mesh({ retryBudget: { ttlMs: undefined } }), client(unset)]).toEqual(
      Array.from({ length: 4 }, () => "no error"),
    );
  });

  test("are not what lies at the bounds", () => {
    expect(mesh({ keepalive: { intervalMs: 0 }, emptyGraceMs: Infinity, maxSessions: Infinity, healthCheck: "" })).toBe("no error");
    expect(mesh({ retryBudget: { ratio: 0, minPerSecond: 0, ttlMs: 1 }, outlier: false, retry: false })).toBe("no error");
    expect(mesh({ hedging: { delayMs: "p95" }, balancer: roundRobin() })).toBe("no error");
  });
});

describe("a time to connect that no timer holds", () => {
  test("is as long as a timer holds, instead of over at once", () => {
    expect(connectionSettings({ connectTimeoutMs: 1e12 }, defaultLimits).connectTimeoutMs).toBe(2 ** 31 - 1);
  });
});

describe("balancers in a service config that have options that make no sense", () => {
  const place = "serviceConfig.loadBalancingConfig[1]";

  test.each([
    [{ least_request_experimental: { choiceCount: 1 } }, `${place}.least_request_experimental sets choiceCount to 1: it must be an integer of 2`],
    [{ leastRequest: { choiceCount: "3" } }, `${place}.leastRequest.choiceCount is "3": it must be a number`],
    [
      { ring_hash_experimental: { minRingSize: 100, maxRingSize: 10 } },
      `${place}.ring_hash_experimental sets minRingSize to 100: it must be at most maxRingSize, which is 10`,
    ],
    [{ ring_hash: { maxRingSize: 10 } }, `${place}.ring_hash sets maxRingSize to 10: it must be at least minRingSize, which is 1024`],
    [{ ring_hash: { minRingSize: 9e6 } }, `${place}.ring_hash sets minRingSize to 9000000: it must be an integer from 1 to 8388608`],
    [{ round_robin: 5 }, `${place}.round_robin is 5: it must be an object`],
    [
      { outlier_detection_experimental: { childPolicy: [{ least_request: { choiceCount: 0 } }] } },
      `${place}.outlier_detection_experimental.childPolicy[0].least_request sets choiceCount to 0`,
    ],
  ])("are an error that names the place: %j", (balancer, message) => {
    const serviceConfig: ServiceConfigJson = { loadBalancingConfig: [{ maglev: {} }, balancer as Record<string, object>] };
    expect(mesh({ serviceConfig })).toContain(message);
    expect(client({ serviceConfig })).toContain(message);
  });

  test("are not those that gRPC has and nobody here reads", () => {
    const ring = { ring_hash_experimental: { requestHashHeader: "x-user", minRingSize: 64 } };
    expect(mesh({ serviceConfig: { loadBalancingConfig: [ring], unheard: 1 } })).toBe("no error");
  });
});
