import { Code, ConnectError } from "@connectrpc/connect";
import { maxTimerMs } from "../async/sleep.ts";
import type { Policy } from "../contract/policy.ts";
import { configurationError, meshError, reasonOf } from "../error.ts";

/**
 * The deadline of a call in whole milliseconds: the call's, else its policy's,
 * and never more than the policy allows. There is always one; a time that is
 * over never becomes "no timeout". Throws `deadline_exceeded` when it is 0 or less,
 * and `invalid_argument` when it is no number.
 */
export function callTimeoutMs(
  call: number | undefined,
  { timeoutMs, maxTimeoutMs = Infinity }: Pick<Policy, "timeoutMs" | "maxTimeoutMs">,
): number {
  const ms = Math.min(call ?? timeoutMs, maxTimeoutMs);
  if (Number.isNaN(ms)) throw configurationError(`timeoutMs is ${String(call)}; it must be a number of milliseconds`);
  if (!(ms > 0)) {
    throw meshError(
      Code.DeadlineExceeded,
      "DEADLINE_EXCEEDED",
      `the deadline was over before the call began (timeoutMs ${ms})`,
    );
  }
  return Math.min(Math.ceil(ms), maxTimerMs);
}

/**
 * A clock for what is left of a deadline, in whole milliseconds, never below 1.
 *
 * @param begunMs when it began, by `performance.now()`. Default: now
 */
export function remaining(timeoutMs: number, begunMs: number = performance.now()): () => number {
  const end = begunMs + timeoutMs;
  return () => Math.max(1, Math.ceil(end - performance.now()));
}

/**
 * Adds to an ended deadline its reason, and what the call was waiting for.
 *
 * @param what what did not happen within that time
 */
export function explainDeadline(
  error: unknown,
  timeoutMs: number,
  obstacle: ConnectError | undefined,
  what: string = "the call was not answered",
): ConnectError {
  const failure = ConnectError.from(error);
  if (failure.code !== Code.DeadlineExceeded || reasonOf(failure) !== undefined) return failure;
  // An answer of the other side has metadata or details of its own: keep it as it is.
  if (failure.details.length > 0 || failure.isWireError) return failure;
  const why = obstacle === undefined ? "" : `: ${obstacle.rawMessage}`;
  return meshError(
    Code.DeadlineExceeded,
    reasonOf(obstacle) ?? "DEADLINE_EXCEEDED",
    `${what} within ${timeoutMs} ms${why}`,
    { cause: failure },
  );
}

/** The same for a stream whose answer had begun: what the call waited for before explains nothing. */
export function explainEnd(error: unknown, timeoutMs: number): ConnectError {
  return explainDeadline(error, timeoutMs, undefined, "the stream did not end");
}
