import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import { meshError } from "../error.ts";
import type { ByteQueue } from "./byte-queue.ts";

/**
 * Ends the wait for a request that does not arrive: at its deadline, and when
 * the server stops. A unary method runs, and everything that watches it, only
 * once its request is complete. Returns the function that stops watching.
 *
 * @param timeoutMs the deadline in milliseconds; undefined for none
 * @param shutdown its reason is what the caller gets
 */
export function limitUpload(
  body: ByteQueue,
  timeoutMs: number | undefined,
  shutdown: AbortSignal,
): () => void {
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          body.fail(uploadTimedOut(timeoutMs));
        }, timeoutMs);
  const stop = (): void => {
    body.fail(shutdown.reason);
  };
  if (shutdown.aborted) stop();
  else shutdown.addEventListener("abort", stop);
  return () => {
    clearTimeout(timer);
    shutdown.removeEventListener("abort", stop);
  };
}

/** The error of a request that did not arrive in time. */
export function uploadTimedOut(timeoutMs: number | undefined): ConnectError {
  return meshError(
    Code.DeadlineExceeded,
    "DEADLINE_EXCEEDED",
    `the request did not arrive completely within its deadline of ${timeoutMs} ms; ` +
      "send it faster, or allow more time",
  );
}
