import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { gradient2 } from "../../src/resilience/gradient2.ts";
import type { Gradient2Options } from "../../src/resilience/gradient2.ts";
import { fixedLimit, limiterOf } from "../../src/resilience/limiter.ts";
import type { Limiter } from "../../src/resilience/limiter.ts";
import { overloaded } from "../../src/resilience/overload.ts";
import { pushbackOf } from "../../src/resilience/pushback.ts";
import { seeded } from "./virtual.ts";

describe("fixedLimit", () => {
  test("lets as many run as it says", () => {
    const limit = fixedLimit(2);
    expect([limit.acquire(), limit.acquire(), limit.acquire()]).toEqual([true, true, false]);
    expect(limit).toMatchObject({ limit: 2, inFlight: 2 });
    limit.release(undefined);
    expect([limit.acquire(), limit.acquire()]).toEqual([true, false]);
  });
});

describe("limiterOf", () => {
  test("is what the policy says", () => {
    expect(limiterOf(undefined)).toBeUndefined();
    expect(limiterOf({ maxCalls: 7, adaptive: false, minCalls: 1 })?.limit).toBe(7);
    expect(limiterOf({ maxCalls: 7, adaptive: true, minCalls: 1 })?.limit).toBe(7);
    expect(limiterOf({ maxCalls: 70, adaptive: true, minCalls: 30 })?.limit).toBe(30);
  });
});

/** A limiter whose window is every call, so that each step is one update. */
function stepwise(options: Gradient2Options = {}): Limiter {
  return gradient2({ windowMs: 0, windowCalls: 1, minLimit: 1, now: () => 0, ...options });
}

/** Runs as many calls as the limit allows at once; one of them tells how long it took. */
function update(limiter: Limiter, tookMs: number, share = 1): void {
  const running = Math.max(1, Math.floor(limiter.limit * share));
  for (let n = 0; n < running; n++) if (!limiter.acquire()) throw new Error("no place below the limit");
  for (let n = 1; n < running; n++) limiter.release(undefined);
  limiter.release(tookMs);
}

describe("gradient2", () => {
  test("grows by a part of its queue while calls take as long as ever", () => {
    const limiter = stepwise({ initialLimit: 20, maxLimit: 200 });
    update(limiter, 10);
    // 20 * 0.8 + (20 * 1 + 4) * 0.2
    expect(limiter.limit).toBe(20);
    for (let n = 0; n < 4; n++) update(limiter, 10);
    expect(limiter.limit).toBe(24);
    for (let n = 0; n < 1_000; n++) update(limiter, 10);
    expect(limiter.limit).toBe(200);
  });

  test("bears calls that take half as long again, and falls when they take longer", () => {
    const limiter = stepwise({ initialLimit: 100, queueSize: 0 });
    for (let n = 0; n < 10; n++) update(limiter, 10);
    update(limiter, 14.9);
    expect(limiter.limit).toBe(100);
    update(limiter, 30);
    // The long average is about 10.1, so the gradient is about 0.5: 100 * 0.8 + 50 * 0.2.
    expect(limiter.limit).toBe(90);
  });

  test("never halves faster than by its smoothing", () => {
    const limiter = stepwise({ initialLimit: 100, queueSize: 0 });
    for (let n = 0; n < 10; n++) update(limiter, 1);
    update(limiter, 1e6);
    expect(limiter.limit).toBe(90);
  });

  test("stays within its bounds", () => {
    const limiter = stepwise({ initialLimit: 50, minLimit: 30, maxLimit: 60, longWindow: 100_000 });
    for (let n = 0; n < 100; n++) update(limiter, 10);
    expect(limiter.limit).toBe(60);
    for (let n = 0; n < 100; n++) update(limiter, 1_000);
    expect(limiter.limit).toBe(30);
    expect(stepwise({ initialLimit: 500, maxLimit: 60 }).limit).toBe(60);
    expect(gradient2({ maxLimit: 5 }).limit).toBe(5);
  });

  test("does not grow while less than half of it is used", () => {
    const limiter = stepwise({ initialLimit: 40 });
    for (let n = 0; n < 100; n++) update(limiter, 10, 0.45);
    expect(limiter.limit).toBe(40);
    for (let n = 0; n < 100; n++) update(limiter, 10, 0.6);
    expect(limiter.limit).toBeGreaterThan(100);
  });

  test("returns from long overload faster than its average alone", () => {
    const limiter = stepwise({ initialLimit: 20, minLimit: 20, maxLimit: 200 });
    for (let n = 0; n < 3_000; n++) update(limiter, 1_000);
    let updates = 0;
    // A fast call is one of 10 ms; the average must fall from 1000 to where a slow one is told again.
    const slow = (): boolean => {
      const before = limiter.limit;
      update(limiter, 60);
      return limiter.limit < before;
    };
    while (!slow() && updates < 3_000) {
      for (let n = 0; n < 10; n++) update(limiter, 10);
      updates += 11;
    }
    expect(updates).toBeLessThan(150);
  });

  test("learns from windows of enough calls and enough time", () => {
    let nowMs = 0;
    const limiter = gradient2({ queueSize: 50, windowMs: 1_000, windowCalls: 10, now: () => nowMs });
    const calls = (count: number, tookMs: number | undefined): void => {
      for (let n = 0; n < 20; n++) limiter.acquire();
      for (let n = 0; n < 20; n++) limiter.release(n < count ? tookMs : undefined);
    };
    nowMs = 1_000;
    calls(9, 10);
    expect(limiter.limit).toBe(20);
    calls(20, undefined);
    expect(limiter.limit).toBe(20);
    calls(1, 10);
    expect(limiter.limit).toBe(30);
    nowMs = 1_999;
    calls(20, 10);
    expect(limiter.limit).toBe(30);
    nowMs = 2_000;
    calls(10, 10);
    expect(limiter.limit).toBe(40);
  });
});

/** What comes of a server with workers and a queue when more calls come than it can answer, in virtual time. */
function overload(limiterFor: (now: () => number) => Limiter | undefined): { goodput: number; limits: readonly number[] } {
  const random = seeded(15);
  const [workers, serviceMs, deadlineMs, calmMs, endMs] = [10, 50, 1_000, 10_000, 60_000];
  const capacity = workers / serviceMs;
  const exponential = (mean: number): number => -mean * Math.log(1 - random());
  let nowMs = 0;
  const limiter = limiterFor(() => nowMs);
  const ends: Array<{ atMs: number; startMs: number }> = [];
  const queue: number[] = [];
  const limits: number[] = [];
  let answered = 0;
  const serve = (startMs: number): void => {
    const end = { atMs: nowMs + exponential(serviceMs), startMs };
    const at = ends.findIndex(({ atMs }) => atMs > end.atMs);
    ends.splice(at === -1 ? ends.length : at, 0, end);
  };
  let arrivalMs = 0;
  while (nowMs < endMs) {
    const end = ends[0];
    if (end !== undefined && end.atMs <= arrivalMs) {
      ends.shift();
      nowMs = end.atMs;
      const tookMs = nowMs - end.startMs;
      // The first half of the overload is for finding the limit.
      if (tookMs <= deadlineMs && nowMs > endMs / 2) answered++;
      limiter?.release(tookMs);
      const next = queue.shift();
      if (next !== undefined) serve(next);
    } else {
      nowMs = arrivalMs;
      if (limiter?.acquire() !== false) {
        if (ends.length < workers) serve(nowMs);
        else queue.push(nowMs);
      }
      limits.push(limiter?.limit ?? 0);
      arrivalMs = nowMs + exponential(1 / (capacity * (nowMs < calmMs ? 0.7 : 1.5)));
    }
  }
  return { goodput: answered / (capacity * (endMs / 2)), limits };
}

describe("a server that gets one and a half times what it can answer", () => {
  test("answers nearly as much as it can with an adaptive limit, which settles", () => {
    const { goodput, limits } = overload((now) => gradient2({ minLimit: 5, now }));
    expect(goodput).toBeGreaterThan(0.95);
    const settled = limits.slice(-3_000);
    expect(Math.min(...settled)).toBeGreaterThan(10);
    expect(Math.max(...settled)).toBeLessThan(60);
  });

  test("collapses without: it answers when nobody waits any more", () => {
    expect(overload(() => undefined).goodput).toBeLessThan(0.2);
  });
});

describe("overloaded", () => {
  test("says by header and detail when to come back", () => {
    const error = overloaded("100 calls run", { afterMs: 3_000, metadata: { limit: "100" }, random: () => 0.5 });
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.rawMessage).toBe("100 calls run; come back in 3000 ms");
    expect(error.metadata.get("grpc-retry-pushback-ms")).toBe("3000");
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: "OVERLOADED", domain: "connect-mesh", metadata: { limit: "100" } },
    ]);
    error.metadata.delete("grpc-retry-pushback-ms");
    expect(error.findDetails(RetryInfoSchema)).toMatchObject([{ retryDelay: { seconds: 3n, nanos: 0 } }]);
  });

  test("spreads callers over a time as long as the one that it asks for", () => {
    const random = seeded(3);
    const times = Array.from({ length: 200 }, () => Number(pushbackOf(overloaded("full", { afterMs: 100, random }))));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...times)).toBeLessThanOrEqual(150);
    expect(new Set(times).size).toBeGreaterThan(60);
  });
});
