import { Code, ConnectError } from "@connectrpc/connect";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Policy, RetryPolicy } from "../../src/contract/policy.ts";
import { RetryBudget } from "../../src/resilience/budget.ts";
import { pushbackHeader } from "../../src/resilience/pushback.ts";
import { RetryGuard } from "../../src/resilience/retry-guard.ts";
import { defaultRetry } from "../../src/contract/merge-policy.ts";
import { previousAttemptsHeader, Retry } from "../../src/resilience/retry.ts";
import type { AttemptFailure, Verdict } from "../../src/resilience/retry.ts";
import { RetryThrottle } from "../../src/resilience/throttle.ts";
import { seeded } from "./virtual.ts";

const half = (): number => 0.5;

function guard(options: { throttle?: RetryThrottle; minPerSecond?: number } = {}): RetryGuard {
  return new RetryGuard(new RetryBudget({ minPerSecond: options.minPerSecond ?? 1_000 }), options.throttle);
}

interface Init {
  readonly retry?: Partial<RetryPolicy> | false;
  readonly idempotent?: boolean;
  readonly guard?: RetryGuard;
  readonly random?: () => number;
}

function retry(init: Init = {}): Retry {
  const policy: Pick<Policy, "retry" | "idempotent"> = {
    retry: init.retry === false ? false : { ...defaultRetry, ...init.retry },
    idempotent: init.idempotent ?? true,
  };
  return new Retry(policy, init.guard ?? guard(), init.random ?? half);
}

function failure(init: Partial<AttemptFailure> & { code?: Code; pushback?: string } = {}): AttemptFailure {
  const header = init.pushback === undefined ? {} : { [pushbackHeader]: init.pushback };
  return {
    error: new ConnectError("no", init.code ?? Code.Unavailable, header),
    progress: undefined,
    leftMs: 60_000,
    ...init,
  };
}

/** Lets an always failing call go on until its failure is final. */
function pausesOf(call: Retry, failed: AttemptFailure = failure()): readonly number[] {
  const pauses: number[] = [];
  for (;;) {
    const verdict = call.failed(failed, 0);
    if (!verdict.again) return pauses;
    pauses.push(verdict.afterMs);
  }
}

describe("Retry, of what was not carried out", () => {
  test("repeats what was never sent at once, however often, and does not count it", () => {
    const call = retry({ retry: false, idempotent: false, guard: guard({ minPerSecond: 0 }) });
    for (let turn = 0; turn < 50; turn++) {
      expect(call.failed(failure({ progress: "unsent" }), 0)).toEqual({ again: true, afterMs: 0, why: "unsent" });
    }
    expect(call.previousAttempts).toBe(0);
  });

  test("repeats what was refused unseen once at once, then by the policy, whatever the method", () => {
    const call = retry({ idempotent: false });
    const refused = failure({ progress: "refused" });
    expect(call.failed(refused, 0)).toEqual({ again: true, afterMs: 0, why: "refused" });
    expect(call.previousAttempts).toBe(0);
    expect(call.failed(refused, 0)).toEqual({ again: true, afterMs: 25, why: "code" });
    expect(call.failed(refused, 0)).toEqual({ again: true, afterMs: 50, why: "code" });
    expect(call.failed(refused, 0)).toEqual({ again: false, why: "attempts" });
    expect(call.previousAttempts).toBe(2);
  });

  test("takes neither tokens nor budget for that", () => {
    const throttle = new RetryThrottle({ maxTokens: 4, tokenRatio: 1 });
    const call = retry({ guard: guard({ throttle, minPerSecond: 0 }) });
    call.failed(failure({ progress: "unsent" }), 0);
    call.failed(failure({ progress: "refused" }), 0);
    expect(throttle.tokens).toBe(4);
    expect(call.failed(failure({ progress: "refused" }), 0)).toEqual({ again: false, why: "budget" });
    expect(throttle.tokens).toBe(3);
  });

  test("does not when something of an answer was passed on, or the deadline is over", () => {
    const unsent = { progress: "unsent" as const };
    expect(retry().failed(failure({ ...unsent, repeatable: false }), 0)).toEqual({ again: false, why: "committed" });
    expect(retry().failed(failure({ ...unsent, leftMs: 0 }), 0)).toEqual({ again: false, why: "deadline" });
  });
});

describe("Retry, by the policy", () => {
  test("makes as many attempts as the policy says", () => {
    expect(pausesOf(retry({ retry: { maxAttempts: 4 } }))).toHaveLength(3);
    expect(retry({ retry: { maxAttempts: 2 } }).failed(failure(), 0)).toMatchObject({ again: true });
  });

  test("repeats only codes of the policy", () => {
    const codes = [Code.AlreadyExists, Code.Internal];
    const verdict = (code: Code): Verdict => retry({ retry: { codes } }).failed(failure({ code }), 0);
    expect(verdict(Code.AlreadyExists)).toMatchObject({ again: true, why: "code" });
    expect(verdict(Code.Internal)).toMatchObject({ again: true });
    expect(verdict(Code.Unavailable)).toEqual({ again: false, why: "code" });
  });

  test("repeats what may have been carried out only when the method is idempotent", () => {
    const codes = [Code.Unavailable, Code.ResourceExhausted];
    const call = (): Retry => retry({ retry: { codes }, idempotent: false });
    expect(call().failed(failure(), 0)).toEqual({ again: false, why: "unsafe" });
    expect(call().failed(failure({ progress: "sent" }), 0)).toEqual({ again: false, why: "unsafe" });
    expect(call().failed(failure({ code: Code.ResourceExhausted }), 0)).toMatchObject({ again: true });
    expect(retry().failed(failure({ progress: "sent" }), 0)).toMatchObject({ again: true });
  });

  test("repeats nothing by the policy when that is off", () => {
    expect(retry({ retry: false }).failed(failure(), 0)).toEqual({ again: false, why: "off" });
  });

  test("has pauses that grow to the longest, give or take a fifth", () => {
    const policy = { maxAttempts: 6, initialBackoffMs: 10, maxBackoffMs: 100, backoffMultiplier: 3 };
    for (const [random, factor] of [[0, 0.8], [0.5, 1], [0.999_999, 1.2]] as const) {
      const pauses = pausesOf(retry({ retry: policy, random: () => random }));
      [10, 30, 90, 100, 100].forEach((bound, at) => { expect(pauses[at]).toBeCloseTo(bound * factor, 2); });
    }
  });

  test("has pauses within a fifth of the bound, for any policy and any randomness", () => {
    const policies = fc.record({
      maxAttempts: fc.integer({ min: 2, max: 5 }),
      initialBackoffMs: fc.double({ min: 0.1, max: 5_000, noNaN: true }),
      maxBackoffMs: fc.double({ min: 0.1, max: 5_000, noNaN: true }),
      backoffMultiplier: fc.double({ min: 0.1, max: 10, noNaN: true }),
    });
    const property = fc.property(policies, fc.integer(), (policy, seed) => {
      const pauses = pausesOf(retry({ retry: policy, random: seeded(seed) }));
      expect(pauses).toHaveLength(policy.maxAttempts - 1);
      pauses.forEach((pause, n) => {
        const bound = Math.min(policy.initialBackoffMs * policy.backoffMultiplier ** n, policy.maxBackoffMs);
        expect(pause).toBeGreaterThanOrEqual(0.8 * bound);
        expect(pause).toBeLessThanOrEqual(1.2 * bound);
      });
    });
    fc.assert(property, { seed: 6, numRuns: 200 });
  });

  test("starts nothing that the deadline would cut off, and then takes no budget", () => {
    const budget = guard({ minPerSecond: 0.1 });
    const call = retry({ guard: budget });
    expect(call.failed(failure({ leftMs: 25 }), 0)).toEqual({ again: false, why: "deadline" });
    expect(call.failed(failure({ leftMs: 25.1 }), 0)).toMatchObject({ again: true });
    expect(retry().failed(failure({ leftMs: 1_000, pushback: "1000" }), 0)).toEqual({ again: false, why: "deadline" });
  });

  test("counts its repetitions for the servers", () => {
    expect(previousAttemptsHeader).toBe("grpc-previous-rpc-attempts");
    const call = retry({ retry: { maxAttempts: 3 } });
    expect(call.previousAttempts).toBe(0);
    call.failed(failure(), 0);
    expect(call.previousAttempts).toBe(1);
    call.failed(failure({ progress: "unsent" }), 0);
    expect(call.previousAttempts).toBe(1);
    call.failed(failure(), 0);
    call.failed(failure(), 0);
    expect(call.previousAttempts).toBe(2);
  });
});

describe("Retry, with pushback", () => {
  test("comes back exactly when the server says, and begins its own pauses anew", () => {
    const call = retry({ retry: { maxAttempts: 5, initialBackoffMs: 10, maxBackoffMs: 1_000 } });
    expect(call.failed(failure(), 0)).toMatchObject({ afterMs: 10, why: "code" });
    expect(call.failed(failure(), 0)).toMatchObject({ afterMs: 20 });
    expect(call.failed(failure({ pushback: "1000" }), 0)).toEqual({ again: true, afterMs: 1_000, why: "pushback" });
    expect(call.failed(failure(), 0)).toMatchObject({ afterMs: 10, why: "code" });
  });

  test("makes no more attempts for it", () => {
    const call = retry({ retry: { maxAttempts: 2 } });
    expect(call.failed(failure({ pushback: "0" }), 0)).toMatchObject({ again: true, afterMs: 0 });
    expect(call.failed(failure({ pushback: "0" }), 0)).toEqual({ again: false, why: "attempts" });
  });

  test.each(["-1", "xxx", "100, 10", ""])("makes one attempt when the server says %j", (pushback) => {
    expect(retry().failed(failure({ pushback }), 0)).toEqual({ again: false, why: "pushback" });
  });

  test("does not make a code worth another attempt that is not, except resource_exhausted", () => {
    const verdict = (code: Code, idempotent = true): Verdict =>
      retry({ idempotent }).failed(failure({ code, pushback: "5" }), 0);
    expect(verdict(Code.Internal)).toEqual({ again: false, why: "code" });
    expect(verdict(Code.ResourceExhausted)).toEqual({ again: true, afterMs: 5, why: "pushback" });
    expect(verdict(Code.ResourceExhausted, false)).toEqual({ again: false, why: "code" });
    expect(retry().failed(failure({ code: Code.ResourceExhausted }), 0)).toEqual({ again: false, why: "code" });
  });
});

describe("Retry, with a throttle", () => {
  /** One call to a server that gives these answers: whether it succeeds, and with how many attempts. */
  function call(answers: readonly boolean[], throttle: RetryThrottle): { ok: boolean; attempts: number } {
    const shared = guard({ throttle });
    const state = retry({ retry: { maxAttempts: 4 }, guard: shared });
    for (let attempts = 1; ; attempts++) {
      if (answers[attempts - 1] === true) {
        shared.succeeded();
        return { ok: true, attempts };
      }
      if (!state.failed(failure(), 0).again) return { ok: false, attempts };
    }
  }

  // The cases of grpc-go's TestRetryThrottling.
  test("repeats as gRPC does while tokens come and go", () => {
    const throttle = new RetryThrottle({ maxTokens: 10, tokenRatio: 0.5 });
    const steps: readonly (readonly [readonly boolean[], boolean, number, number])[] = [
      [[true], true, 1, 10],
      [[false, false, true], true, 3, 8.5],
      [[false, false, true], true, 3, 7],
      [[false, false], false, 2, 5],
      [[false], false, 1, 4],
      [[true], true, 1, 4.5],
      [[true], true, 1, 5],
      [[true], true, 1, 5.5],
      [[true], true, 1, 6],
      [[true], true, 1, 6.5],
      [[false, true], true, 2, 6],
      [[false], false, 1, 5],
    ];
    for (const [answers, ok, attempts, tokens] of steps) {
      expect(call(answers, throttle)).toEqual({ ok, attempts });
      expect(throttle.tokens).toBe(tokens);
    }
  });

  test("counts what is worth another attempt, or asks for none; nothing else", () => {
    const tokens = (failed: AttemptFailure, init: Init = {}): number => {
      const throttle = new RetryThrottle({ maxTokens: 10, tokenRatio: 1 });
      retry({ ...init, guard: guard({ throttle }) }).failed(failed, 0);
      return throttle.tokens;
    };
    expect(tokens(failure())).toBe(9);
    expect(tokens(failure({ pushback: "-1" }))).toBe(9);
    expect(tokens(failure({ code: Code.InvalidArgument, pushback: "-1" }))).toBe(9);
    expect(tokens(failure({ code: Code.InvalidArgument }))).toBe(10);
    expect(tokens(failure(), { retry: false })).toBe(10);
    expect(tokens(failure(), { idempotent: false })).toBe(9);
    expect(tokens(failure({ progress: "unsent" }))).toBe(10);
  });

  test("stops for the budget too, which first attempts never need", () => {
    const shared = guard({ minPerSecond: 0.1 });
    expect(retry({ guard: shared }).failed(failure(), 0)).toMatchObject({ again: true });
    expect(retry({ guard: shared }).failed(failure(), 0)).toEqual({ again: false, why: "budget" });
    expect(retry({ guard: shared }).failed(failure(), 10_000)).toMatchObject({ again: true });
  });

  test("adds a fifth to the load of a total outage, where it would double or triple it without", () => {
    const load = (minPerSecond: number, ratio: number): number => {
      const shared = new RetryGuard(new RetryBudget({ minPerSecond, ratio }));
      const random = seeded(4);
      const failed = failure();
      let attempts = 0;
      for (let n = 0; n < 30_000; n++) {
        // 1000 calls a second for 30 s, each with three attempts.
        shared.called(n);
        const state = retry({ guard: shared, random });
        do attempts++;
        while (state.failed(failed, n).again);
      }
      return attempts / 30_000;
    };
    expect(load(10, 0.2)).toBeLessThanOrEqual(1.22);
    expect(load(10, 0.2)).toBeGreaterThan(1.19);
    expect(load(1e9, 0)).toBe(3);
  });
});
