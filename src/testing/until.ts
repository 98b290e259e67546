import { AssertionError } from "node:assert";
import { setTimeout as delay } from "node:timers/promises";

/** Options of {@link until}. */
export interface UntilOptions {
  /** The condition must hold within this time, in milliseconds. Default 10000. */
  readonly timeoutMs?: number | undefined;
  /** Time between two looks, in milliseconds. Default 10. */
  readonly intervalMs?: number | undefined;
  /** What is waited for, for the error's message. Default `the condition`. */
  readonly what?: string | undefined;
}

/**
 * Waits until a condition holds, and returns what it returned. A condition
 * that throws, or that returns something falsy, does not hold yet. Rejects with
 * an `AssertionError` after `timeoutMs`; its cause is what was thrown last.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<T> {
  const { timeoutMs = 10_000, intervalMs = 10, what = "the condition" } = options;
  const end = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const left = Math.max(0, end - performance.now());
      // A condition that hangs must not outlive the deadline.
      const value = await within(async () => condition(), { timeoutMs: left, what });
      if (value) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= end) throw timedOut(what, timeoutMs, cause);
    await delay(intervalMs);
  }
}

/**
 * Runs something that must finish within a time. Rejects with an
 * `AssertionError` after `timeoutMs`; what then still runs is left alone.
 */
export async function within<T>(run: () => Promise<T>, options: UntilOptions = {}): Promise<T> {
  const { timeoutMs = 10_000, what = "the promise" } = options;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(timedOut(what, timeoutMs));
    }, timeoutMs);
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function timedOut(what: string, timeoutMs: number, cause?: unknown): AssertionError {
  const error = new AssertionError({ message: `waited ${Math.round(timeoutMs)} ms for ${what}` });
  if (cause !== undefined) error.cause = cause;
  return error;
}
