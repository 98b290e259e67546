import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import { narrowJitter } from "../async/backoff.ts";
import { mayHaveRun } from "../contract/check-method.ts";
import type { Policy, RetryPolicy } from "../contract/policy.ts";
import type { Progress } from "../protocol/progress.ts";
import { pushbackOf } from "./pushback.ts";
import type { RetryGuard } from "./retry-guard.ts";


/** Header with the number of repetitions before an attempt; the first attempt has none (gRFC A6). */
export const previousAttemptsHeader = "grpc-previous-rpc-attempts";

/** A failed attempt. */
export interface AttemptFailure {
  readonly error: ConnectError;
  /** How far the request had come when it failed without an answer; undefined when it was answered. */
  readonly progress: Progress | undefined;
  /** What is left of the call's deadline, in milliseconds. */
  readonly leftMs: number;
  /** Whether the request can be sent again, and nothing of an answer was passed on. Default true. */
  readonly repeatable?: boolean | undefined;
}

/** Whether a failed attempt is followed by another, when, and why. */
export type Verdict =
  | {
      readonly again: true;
      /** Pause before the next attempt, in milliseconds. */
      readonly afterMs: number;
      readonly why: "unsent" | "refused" | "code" | "pushback";
    }
  | {
      readonly again: false;
      readonly why: "committed" | "deadline" | "off" | "pushback" | "code" | "unsafe" | "attempts" | "throttled" | "budget" | "local";
    };

/**
 * Whether a call failed on this side in a way that another attempt would repeat.
 * `unavailable` says that it might do better.
 */
export function failsAgain(progress: Progress | undefined, { code }: ConnectError): boolean {
  return progress === "local" && code !== Code.Unavailable;
}

/**
 * Decides about the repetitions of one call (gRFC A6). Repeated is
 *
 * - what was never sent: at once, however often, since nothing happened;
 * - what the other side refused unseen: once at once, then by the policy;
 * - by the policy, what failed with one of its codes; or with
 *   `resource_exhausted` when the server says when to come back. Codes that
 *   leave open whether a call was carried out count for idempotent methods only.
 *
 * What failed on this side is not repeated, as it would fail again, except by
 * the policy when it is `unavailable`: an interceptor of a channel says so that
 * it might do better later.
 *
 * Pauses are the policy's, give or take a fifth, or exactly what the server
 * asks for; then the policy's begin anew. Transparent repetitions, the first
 * two kinds, count neither as attempts nor for throttle and budget.
 */
export class Retry {
  readonly #policy: Pick<Policy, "retry" | "idempotent">;
  readonly #guard: RetryGuard;
  readonly #random: () => number;
  #refused = false;
  #repeats = 0;
  #pauses = 0;

  constructor(
    policy: Pick<Policy, "retry" | "idempotent">,
    guard: RetryGuard,
    random: () => number = Math.random,
  ) {
    this.#policy = policy;
    this.#guard = guard;
    this.#random = random;
  }

  /** Repetitions so far, for the {@link previousAttemptsHeader}. */
  get previousAttempts(): number {
    return this.#repeats;
  }

  /** An attempt failed at a time of a monotonic clock, in milliseconds. */
  failed(failure: AttemptFailure, nowMs: number): Verdict {
    if (failsAgain(failure.progress, failure.error)) return { again: false, why: "local" };
    if (failure.repeatable === false) return { again: false, why: "committed" };
    if (failure.leftMs <= 0) return { again: false, why: "deadline" };
    if (failure.progress === "unsent") return { again: true, afterMs: 0, why: "unsent" };
    if (failure.progress === "refused" && !this.#refused) {
      this.#refused = true;
      return { again: true, afterMs: 0, why: "refused" };
    }
    return this.#byPolicy(failure, nowMs);
  }

  #byPolicy({ error, progress, leftMs }: AttemptFailure, nowMs: number): Verdict {
    const { retry, idempotent } = this.#policy;
    if (retry === false) return { again: false, why: "off" };
    const pushback = pushbackOf(error);
    const invited = idempotent && error.code === Code.ResourceExhausted && typeof pushback === "number";
    const listed = invited || retry.codes.includes(error.code);
    if (listed || pushback === "never") this.#guard.failed();
    if (pushback === "never") return { again: false, why: "pushback" };
    if (!listed) return { again: false, why: "code" };
    const safe = idempotent || progress === "refused" || !mayHaveRun(error.code);
    if (!safe) return { again: false, why: "unsafe" };
    if (this.#repeats + 1 >= retry.maxAttempts) return { again: false, why: "attempts" };
    const afterMs = pushback ?? this.#pause(retry);
    if (afterMs >= leftMs) return { again: false, why: "deadline" };
    const obstacle = this.#guard.admit(nowMs);
    if (obstacle !== undefined) return { again: false, why: obstacle };
    this.#repeats++;
    this.#pauses = pushback === undefined ? this.#pauses + 1 : 0;
    return { again: true, afterMs, why: pushback === undefined ? "code" : "pushback" };
  }

  #pause({ initialBackoffMs, maxBackoffMs, backoffMultiplier }: RetryPolicy): number {
    const backoff = { initialMs: initialBackoffMs, maxMs: maxBackoffMs, multiplier: backoffMultiplier };
    return narrowJitter(backoff, this.#pauses, this.#random);
  }
}
