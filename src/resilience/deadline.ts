import { Code } from "@connectrpc/connect";
import { meshError } from "../error.ts";

/**
 * A deadline as a moment of a monotonic clock, in milliseconds, so that time
 * spent anywhere is taken off it by itself. Undefined is no deadline; a
 * deadline that is over is a moment of the past and never becomes none.
 *
 * @param timeoutMs what is left at `nowMs`
 */
export function deadlineAt(timeoutMs: number | undefined, nowMs: number): number | undefined {
  return timeoutMs === undefined ? undefined : nowMs + timeoutMs;
}

/** What is left of a deadline: 0 or more milliseconds, or undefined when there is none. */
export function leftMs(deadline: number | undefined, nowMs: number): number | undefined {
  return deadline === undefined ? undefined : Math.max(0, deadline - nowMs);
}

/**
 * The timeout of a call that a handler makes: its own, but no longer than what
 * is left of the handler's deadline. In whole milliseconds of at least 1, since
 * 0 means "no timeout" to Connect. Undefined when neither has one.
 *
 * @throws `deadline_exceeded` when the handler's deadline is over: such a call
 * is not made at all
 */
export function propagatedMs(
  ownMs: number | undefined,
  incoming: number | undefined,
  nowMs: number,
): number | undefined {
  const left = leftMs(incoming, nowMs);
  // A timeout of 0 or less is for the client to refuse, not to be made longer here.
  if (left === undefined || (ownMs !== undefined && ownMs <= 0)) return ownMs;
  if (left > 0) return Math.max(1, Math.floor(Math.min(ownMs ?? Infinity, left)));
  throw meshError(
    Code.DeadlineExceeded,
    "DEADLINE_EXCEEDED",
    "the deadline of the call that this one is made for is over; nobody waits for its answer",
  );
}
