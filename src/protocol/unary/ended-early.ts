import { Code, ConnectError } from "@connectrpc/connect";

/** The error of a call that its caller gave up, with what the signal's reason says. */
export function aborted(signal: AbortSignal): ConnectError {
  return ConnectError.from(signal.reason, Code.Canceled);
}

/** The error of a call whose deadline has come. */
export function timedOut(): ConnectError {
  return new ConnectError("the operation timed out", Code.DeadlineExceeded);
}
