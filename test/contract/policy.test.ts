import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { Code as ContractCode } from "../../gen/mesh/v1/options_pb.ts";
import { checkContract, methodInfo } from "../../src/contract/method.ts";
import { reasonOf } from "../../src/error.ts";
import type { ContractInit } from "./contract.ts";
import { contract, methodOf, ms } from "./contract.ts";

const { UNAVAILABLE, RESOURCE_EXHAUSTED, INTERNAL } = ContractCode;

describe("the policy of a contract", () => {
  test("names the component, the deadline and what may be repeated", () => {
    expect(methodInfo(GreetService.method.greet)).toMatchObject({
      component: "greeter",
      timeoutMs: 5_000,
      path: "greet.v1.GreetService/Greet",
      idempotent: true,
    });
    expect(methodInfo(GreetService.method.chat)).toMatchObject({
      timeoutMs: undefined,
      idempotent: false,
    });
  });

  test("a method's deadline wins over its service's", () => {
    const timeoutOf = (init: ContractInit): number | undefined => methodInfo(methodOf(init)).timeoutMs;
    expect(timeoutOf({})).toBeUndefined();
    expect(timeoutOf({ service: { timeout: ms(7_000) } })).toBe(7_000);
    expect(timeoutOf({ service: { timeout: ms(0.25) } })).toBe(1);
    expect(timeoutOf({ service: { timeout: ms(7_000) }, method: { timeout: ms(2_000) } })).toBe(2_000);
  });

  test("is read whole, from the service and from the method", () => {
    const info = methodInfo(
      methodOf({
        service: {
          component: "shop",
          waitForReady: false,
          hedging: { maxAttempts: 3, delay: ms(0), nonFatalCodes: [UNAVAILABLE] },
          balancer: "round_robin",
          throttle: { maxTokens: 10, tokenRatio: 0.1 },
        },
        method: {
          waitForReady: true,
          retry: {
            maxAttempts: 4,
            initialBackoff: ms(12.5),
            maxBackoff: ms(1_000),
            backoffMultiplier: 1.5,
            codes: [UNAVAILABLE, RESOURCE_EXHAUSTED],
          },
          hashKey: "owner.id",
          balancer: "ring_hash",
          concurrency: { maxCalls: 50, adaptive: true, minCalls: 5 },
        },
      }),
    );
    expect(info.throttle).toEqual({ maxTokens: 10, tokenRatio: 0.1 });
    expect(info.ofService).toEqual({
      waitForReady: false,
      hedging: { maxAttempts: 3, delayMs: 0, nonFatalCodes: [Code.Unavailable] },
      balancer: "roundRobin",
    });
    expect(info.ofMethod).toEqual({
      waitForReady: true,
      retry: {
        maxAttempts: 4,
        initialBackoffMs: 12.5,
        maxBackoffMs: 1_000,
        backoffMultiplier: 1.5,
        codes: [Code.Unavailable, Code.ResourceExhausted],
      },
      hashKey: "owner.id",
      balancer: "ringHash",
      concurrency: { maxCalls: 50, adaptive: true, minCalls: 5 },
    });
  });

  test("can turn repetition and hedging off", () => {
    const info = methodInfo(methodOf({ method: { retry: { off: true }, hedging: { off: true } } }));
    expect(info.ofMethod).toMatchObject({ retry: false, hedging: false });
  });
});

describe("a contract that makes no sense", () => {
  const wrong: readonly (readonly [string, ContractInit, string])[] = [
    ["no time", { method: { timeout: ms(0) } }, "the contract of t.S.Do sets timeout to 0 ms: it must be above 0"],
    ["a negative time", { service: { timeout: ms(-3_000) } }, "the contract of t.S sets timeout to -3000 ms"],
    [
      "retry and hedging",
      { method: { retry: { maxAttempts: 3 }, hedging: { maxAttempts: 3 } } },
      "the contract of t.S.Do sets hedging beside retry",
    ],
    ["one attempt", { method: { retry: { maxAttempts: 1 } } }, "sets retry.max_attempts to 1: it must be an integer of 2"],
    ["no attempt", { service: { retry: { maxAttempts: 0 } } }, "the contract of t.S sets retry.max_attempts to 0"],
    ["one copy", { method: { hedging: { maxAttempts: 1 } } }, "sets hedging.max_attempts to 1"],
    ["no first pause", { method: { retry: { initialBackoff: ms(0) } } }, "sets retry.initial_backoff to 0 ms"],
    ["a negative pause", { method: { retry: { maxBackoff: ms(-1) } } }, "sets retry.max_backoff to -1 ms"],
    ["no growth", { method: { retry: { backoffMultiplier: 0 } } }, "sets retry.backoff_multiplier to 0"],
    ["a negative delay", { method: { hedging: { delay: ms(-5) } } }, "sets hedging.delay to -5 ms: it must be 0 or more"],
    ["no code", { method: { retry: { codes: [0] } } }, "sets retry.codes to [0]: it must be a list of codes of failures"],
    ["an unknown code", { method: { hedging: { nonFatalCodes: [17 as 16] } } }, "sets hedging.non_fatal_codes to [17]"],
    [
      "off beside others",
      { method: { retry: { off: true, maxAttempts: 3 } } },
      "sets retry.off beside retry.max_attempts: remove one",
    ],
    [
      "repetition that may carry a call out twice",
      { idempotent: false, method: { retry: { codes: [RESOURCE_EXHAUSTED, UNAVAILABLE, INTERNAL] } } },
      "sets retry.codes to Unavailable, Internal, with which a call to t.S.Do may have been carried out",
    ],
    [
      "hedging that may carry a call out twice",
      { idempotent: false, method: { hedging: {} } },
      "the contract of t.S.Do sets hedging though t.S.Do has no idempotency_level",
    ],
    ["hedging of a stream", { serverStreaming: true, method: { hedging: {} } }, "though t.S.Do is not unary"],
    ["a key of no field", { method: { hashKey: "nobody" } }, "sets hash_key to nobody, which t.S.Do cannot use: t.M has no"],
    ["a key of no field of a part", { method: { hashKey: "owner.name" } }, "t.M has no field name"],
    ["a key of many values", { method: { hashKey: "tags" } }, "tags holds many values"],
    ["a key of a message", { method: { hashKey: "owner" } }, "owner is a message; name one of its fields"],
    ["a key below a text", { method: { hashKey: "id.id" } }, "id has no fields of its own"],
    ["a key of many requests", { clientStreaming: true, method: { hashKey: "id" } }, "it has more than one request"],
    ["a service's key of no field", { service: { hashKey: "nobody" } }, "the contract of t.S sets hash_key to nobody, which t.S.Do"],
    ["no calls", { method: { concurrency: { maxCalls: 0 } } }, "sets concurrency.max_calls to 0"],
    ["bounds that cross", { method: { concurrency: { maxCalls: 5, minCalls: 6 } } }, "sets concurrency.min_calls to 6: it must be at most concurrency.max_calls, which is 5"],
    [
      "a balancer that there is not",
      { method: { balancer: "tarot" } },
      'the contract of t.S.Do sets balancer to "tarot": it must be one of pick_first, round_robin,',
    ],
    ["a service's balancer that there is not", { service: { balancer: "tarot" } }, 'the contract of t.S sets balancer to "tarot"'],
    ["too many tokens", { service: { throttle: { maxTokens: 1_001, tokenRatio: 1 } } }, "sets throttle.max_tokens to 1001"],
    ["half a throttle", { service: { throttle: { maxTokens: 10 } } }, "sets throttle.token_ratio to 0"],
    ["a ratio without decimals that count", { service: { throttle: { maxTokens: 9, tokenRatio: 0.0009 } } }, "token_ratio"],
  ];

  test.each(wrong)("is an error that names method and field: %s", (_, init, message) => {
    let error: unknown;
    try {
      checkContract(contract(init));
    } catch (thrown) {
      error = thrown;
    }
    expect(String(error)).toContain(message);
    expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
  });

  test("is not one whose service describes what some methods cannot have", () => {
    const service = { hedging: {}, retry: undefined, hashKey: "id" };
    expect(() => { checkContract(contract({ service, idempotent: false })); }).not.toThrow();
    expect(() => { checkContract(contract({ service, clientStreaming: true })); }).not.toThrow();
    const retry = { codes: [INTERNAL] };
    expect(() => { checkContract(contract({ service: { retry }, idempotent: false })); }).not.toThrow();
  });

  test("is not one that spells a balancer in another way, or has a key that its balancer does not look at", () => {
    for (const balancer of ["round_robin", "roundRobin", "ring_hash_experimental", "pick_first", "first", "weighted"]) {
      expect(() => { checkContract(contract({ method: { balancer, hashKey: "id" } })); }).not.toThrow();
    }
  });

  test("is not one that repeats what a server refuses, whatever the method", () => {
    const method = { retry: { codes: [RESOURCE_EXHAUSTED] } };
    expect(() => { checkContract(contract({ method, idempotent: false })); }).not.toThrow();
  });
});
