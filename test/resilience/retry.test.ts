import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { defaultRetry, retryAfterMs } from "../../src/resilience/retry.ts";
import type { RetryState } from "../../src/resilience/retry.ts";

const unavailable = new ConnectError("gone", Code.Unavailable);
const fresh = (): RetryState => ({ sent: 0, refused: 0 });
const half = (): number => 0.5;

describe("retryAfterMs", () => {
  test("a request that was never sent is repeated at once, however often", () => {
    const state = fresh();
    for (let turn = 0; turn < 50; turn++) {
      const failure = { error: unavailable, progress: "unsent" as const, idempotent: false };
      expect(retryAfterMs(defaultRetry, state, failure)).toBe(0);
    }
    expect(state).toEqual(fresh());
  });

  test("a refused request is repeated once at once, then counts as an attempt", () => {
    const state = fresh();
    const failure = { error: unavailable, progress: "refused" as const, idempotent: false };
    expect(retryAfterMs(defaultRetry, state, failure, half)).toBe(0);
    expect(retryAfterMs(defaultRetry, state, failure, half)).toBe(12.5);
    expect(retryAfterMs(defaultRetry, state, failure, half)).toBe(25);
    expect(retryAfterMs(defaultRetry, state, failure, half)).toBeUndefined();
  });

  test("a sent request is repeated only when the contract calls the method idempotent", () => {
    const failure = { error: unavailable, progress: "sent" as const };
    expect(retryAfterMs(defaultRetry, fresh(), { ...failure, idempotent: false })).toBeUndefined();
    expect(retryAfterMs(defaultRetry, fresh(), { ...failure, idempotent: true }, half)).toBe(12.5);
  });

  test("an idempotent call ends after its attempts", () => {
    const state = fresh();
    const failure = { error: unavailable, progress: undefined, idempotent: true };
    expect(retryAfterMs(defaultRetry, state, failure)).toBeDefined();
    expect(retryAfterMs(defaultRetry, state, failure)).toBeDefined();
    expect(retryAfterMs(defaultRetry, state, failure)).toBeUndefined();
  });

  test.each([Code.Internal, Code.DeadlineExceeded, Code.ResourceExhausted, Code.Aborted])(
    "an answer with code %s is final even for an idempotent method",
    (code) => {
      const failure = { error: new ConnectError("no", code), progress: undefined, idempotent: true };
      expect(retryAfterMs(defaultRetry, fresh(), failure)).toBeUndefined();
    },
  );

  test("pauses grow, stay below their bound, and use the whole range", () => {
    const policy = { maxAttempts: 10, initialBackoffMs: 10, maxBackoffMs: 40 };
    const state = fresh();
    const failure = { error: unavailable, progress: undefined, idempotent: true };
    const bounds = [10, 20, 40, 40];
    for (const bound of bounds) {
      expect(retryAfterMs(policy, state, failure, () => 0.999)).toBeCloseTo(bound * 0.999);
    }
    expect(retryAfterMs(policy, fresh(), failure, () => 0)).toBe(0);
  });
});
