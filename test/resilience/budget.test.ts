import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RetryBudget } from "../../src/resilience/budget.ts";
import { RetryGuard } from "../../src/resilience/retry-guard.ts";
import { RetryThrottle } from "../../src/resilience/throttle.ts";

function withdrawAll(budget: RetryBudget, nowMs: number): number {
  let count = 0;
  while (budget.withdraw(nowMs)) count++;
  return count;
}

describe("RetryBudget", () => {
  test("has ten a second for those who hardly call", () => {
    expect(withdrawAll(new RetryBudget(), 0)).toBe(100);
    expect(withdrawAll(new RetryBudget({ minPerSecond: 1 }), 5_000)).toBe(10);
    expect(withdrawAll(new RetryBudget({ minPerSecond: 0 }), 0)).toBe(0);
  });

  test("has one for every five calls", () => {
    const budget = new RetryBudget({ minPerSecond: 0 });
    for (let n = 0; n < 4; n++) budget.deposit(0);
    expect(budget.withdraw(0)).toBe(false);
    budget.deposit(0);
    expect(budget.withdraw(0)).toBe(true);
    expect(budget.withdraw(0)).toBe(false);
  });

  test("has as many wherever the calls fall in time", () => {
    for (let first = 0; first <= 100; first++) {
      const budget = new RetryBudget({ minPerSecond: 0 });
      for (let n = 0; n < first; n++) budget.deposit(500);
      for (let n = first; n < 100; n++) budget.deposit(1_500);
      expect(withdrawAll(budget, 1_600)).toBe(20);
    }
  });

  test("forgets calls, and what was taken, after ten seconds", () => {
    const budget = new RetryBudget({ minPerSecond: 0 });
    for (let n = 0; n < 50; n++) budget.deposit(500);
    expect(budget.left(10_400)).toBe(0);
    expect(new RetryBudget({ minPerSecond: 0 }).left(1e12)).toBe(0);
    const taken = new RetryBudget();
    expect(withdrawAll(taken, 0)).toBe(100);
    expect(taken.left(9_999)).toBe(0);
    expect(taken.left(10_000)).toBe(100);
  });

  test("does not forget before", () => {
    const budget = new RetryBudget({ minPerSecond: 0 });
    for (let n = 0; n < 50; n++) budget.deposit(500);
    expect(budget.left(9_999)).toBe(10);
  });

  test("is not confused by a clock that stands or goes back", () => {
    const budget = new RetryBudget({ minPerSecond: 1 });
    expect(withdrawAll(budget, 20_000)).toBe(10);
    expect(withdrawAll(budget, 3_000)).toBe(0);
    expect(budget.left(29_999)).toBe(0);
  });

  test("adds at most a fifth and ten a second, whatever comes in any order", () => {
    const gaps = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 4 })), {
      minLength: 200,
      maxLength: 400,
    });
    const property = fc.property(gaps, (events) => {
      const budget = new RetryBudget();
      const calls: number[] = [];
      const repeats: number[] = [];
      let nowMs = 0;
      for (const [gap, wanted] of events) {
        nowMs += gap;
        budget.deposit(nowMs);
        calls.push(nowMs);
        for (let n = 0; n < wanted; n++) if (budget.withdraw(nowMs)) repeats.push(nowMs);
        // A slot is a second: what is in the budget's window is within these nine seconds, and what is not out of ten.
        const within = (times: readonly number[], ms: number): number => times.filter((time) => time > nowMs - ms).length;
        expect(within(repeats, 9_000)).toBeLessThanOrEqual(0.2 * within(calls, 10_000) + 100);
      }
    });
    fc.assert(property, { seed: 10, numRuns: 30 });
  });
});

describe("RetryGuard", () => {
  test("asks the throttle first and takes from the budget only what it lets through", () => {
    const budget = new RetryBudget({ minPerSecond: 0.2 });
    const guard = new RetryGuard(budget, new RetryThrottle({ maxTokens: 2, tokenRatio: 1 }));
    guard.failed();
    expect(guard.admit(0)).toBe("throttled");
    expect(budget.left(0)).toBe(2);
    guard.succeeded();
    expect(guard.admit(0)).toBeUndefined();
    expect(guard.admit(0)).toBeUndefined();
    expect(guard.admit(0)).toBe("budget");
    for (let n = 0; n < 5; n++) guard.called(0);
    expect(guard.admit(0)).toBeUndefined();
  });

  test("needs no throttle", () => {
    const guard = new RetryGuard(new RetryBudget());
    for (let n = 0; n < 50; n++) guard.failed();
    guard.succeeded();
    expect(guard.admit(0)).toBeUndefined();
  });
});
