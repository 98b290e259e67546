import type { ConcurrencyPolicy } from "../contract/policy.ts";
import { gradient2 } from "./gradient2.ts";

/**
 * Bounds how many calls run at the same time. It allocates nothing:
 *
 * ```ts
 * if (!limiter.acquire()) throw overloaded(…);
 * try { … } finally { limiter.release(tookMs); }
 * ```
 */
export interface Limiter {
  /** How many calls may run now. */
  readonly limit: number;
  /** How many run. */
  readonly inFlight: number;
  /** Takes a place. False when there is none; then there is nothing to release. */
  acquire(): boolean;
  /**
   * Gives the place back.
   *
   * @param tookMs how long the call took, in milliseconds, for limits that
   * learn from it. Undefined for a call that says nothing about the server:
   * cancelled by its caller, or refused before it was looked at.
   */
  release(tookMs: number | undefined): void;
}

/** A limit that stays. */
export function fixedLimit(limit: number): Limiter {
  return new Fixed(limit);
}

/** The limit of a method; undefined where the policy has none. */
export function limiterOf(policy: ConcurrencyPolicy | undefined): Limiter | undefined {
  if (policy === undefined) return undefined;
  const { adaptive, maxCalls, minCalls } = policy;
  return adaptive ? gradient2({ minLimit: minCalls, maxLimit: maxCalls }) : fixedLimit(maxCalls);
}

class Fixed implements Limiter {
  readonly limit: number;
  inFlight = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  acquire(): boolean {
    if (this.inFlight >= this.limit) return false;
    this.inFlight++;
    return true;
  }

  release(): void {
    this.inFlight--;
  }
}
