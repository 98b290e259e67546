import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import { fullJitter } from "../async/backoff.ts";
import type { Progress } from "../protocol/progress.ts";

/** How often, and how far apart, a call is repeated. */
export interface RetryPolicy {
  /** Attempts that may reach an implementation, the first included. */
  readonly maxAttempts: number;
  /** Upper bound of the first pause, in milliseconds; it doubles with each attempt. */
  readonly initialBackoffMs: number;
  /** Upper bound of every pause, in milliseconds. */
  readonly maxBackoffMs: number;
}

/** Three attempts, 25 ms to 250 ms apart (gRFC A44's defaults for the bounds). */
export const defaultRetry: RetryPolicy = {
  maxAttempts: 3,
  initialBackoffMs: 25,
  maxBackoffMs: 250,
};

/** What one call has been through so far. */
export interface RetryState {
  /** Attempts that may have reached an implementation. */
  sent: number;
  /** Attempts that the other side refused before it looked at them. */
  refused: number;
}

/**
 * Decides whether a failed attempt is followed by another, and after how many
 * milliseconds; undefined means that the error is final. Repeated are only
 *
 * - requests that were never sent: always, since nothing happened (gRFC A6,
 *   "Transparent Retries");
 * - requests that the other side refused unseen: once at once, then as sent;
 * - `unavailable` answers of methods whose contract says that they may be
 *   repeated (`idempotency_level`), up to `maxAttempts`.
 */
export function retryAfterMs(
  policy: RetryPolicy,
  state: RetryState,
  failure: {
    readonly error: ConnectError;
    readonly progress: Progress | undefined;
    readonly idempotent: boolean;
  },
  random: () => number = Math.random,
): number | undefined {
  if (failure.progress === "unsent") return 0;
  if (failure.progress === "refused" && ++state.refused === 1) return 0;
  const safe = failure.idempotent || failure.progress === "refused";
  if (!safe || failure.error.code !== Code.Unavailable) return undefined;
  if (++state.sent >= policy.maxAttempts) return undefined;
  const backoff = { initialMs: policy.initialBackoffMs, maxMs: policy.maxBackoffMs };
  return fullJitter(backoff, state.sent - 1, random);
}
