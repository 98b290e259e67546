import { Code, ConnectError } from "@connectrpc/connect";
import { meshError } from "../error.ts";

/**
 * How far a request had come when its connection failed. Only this, never the
 * error's code, tells whether a call may be made again (gRFC A6, "Transparent
 * Retries"):
 *
 * - `unsent`: it never left this process.
 * - `refused`: the other side says that it did not look at it (HTTP/2
 *   `REFUSED_STREAM`, or a GOAWAY below its stream).
 * - `sent`: it may have been carried out.
 */
export type Progress = "unsent" | "refused" | "sent";

/** The cause of an error that a connection, not the other side's code, brought about. */
export class ConnectionFailure extends Error {
  override readonly name = "ConnectionFailure";
  readonly progress: Progress;

  constructor(message: string, progress: Progress, cause?: unknown) {
    super(message, { cause });
    this.progress = progress;
  }
}

/** An `unavailable` error with the progress of the request that failed. */
export function connectionError(
  message: string,
  progress: Progress,
  cause?: unknown,
): ConnectError {
  return meshError(Code.Unavailable, "CONNECTION_FAILED", message, {
    cause: new ConnectionFailure(message, progress, cause),
  });
}

/** The same error, of a request that never left this process. */
export function unsent(error: ConnectError): ConnectError {
  return copyOf(error, new ConnectionFailure(error.rawMessage, "unsent", error.cause));
}

/** An error like another one. */
export function copyOf(
  { rawMessage, code, metadata, details, cause: own }: ConnectError,
  cause: unknown = own,
): ConnectError {
  const error = new ConnectError(rawMessage, code, metadata, undefined, cause);
  error.details = details;
  return error;
}

/** How far the request of a failed call had come, or undefined when it was answered. */
export function progressOf(error: unknown): Progress | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if (at instanceof ConnectionFailure) return at.progress;
  }
  return undefined;
}
