import type { RetryBudget } from "./budget.ts";
import type { RetryThrottle } from "./throttle.ts";

/**
 * What keeps the repetitions of all calls of one client to one service within
 * bounds: its budget, and the throttle where a contract or service config asks
 * for one (gRFC A6). Retries and hedges share it.
 */
export class RetryGuard {
  readonly budget: RetryBudget;
  readonly throttle: RetryThrottle | undefined;

  constructor(budget: RetryBudget, throttle?: RetryThrottle) {
    this.budget = budget;
    this.throttle = throttle;
  }

  /** A call began: its first attempt, which nothing stops. */
  called(nowMs: number): void {
    this.budget.deposit(nowMs);
  }

  /** An attempt was answered. */
  succeeded(): void {
    this.throttle?.succeeded();
  }

  /** An attempt failed in a way that is worth another, or with a pushback that asks for none. */
  failed(): void {
    this.throttle?.failed();
  }

  /** Takes one repetition. Returns what stands against it, if anything does. */
  admit(nowMs: number): "throttled" | "budget" | undefined {
    if (this.throttle?.open === false) return "throttled";
    return this.budget.withdraw(nowMs) ? undefined : "budget";
  }
}
