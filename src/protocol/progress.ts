import { Code, ConnectError } from "@connectrpc/connect";
import { meshError } from "../error.ts";

/**
 * How far a request had come when it failed without an answer. Only this, never
 * the error's code, tells whether a call may be made again (gRFC A6,
 * "Transparent Retries"):
 *
 * - `unsent`: it never left this process.
 * - `refused`: the other side says that it did not look at it (HTTP/2
 *   `REFUSED_STREAM`, or a GOAWAY below its stream).
 * - `sent`: it may have been carried out.
 * - `local`: the call failed on this side, as with a message that cannot be
 *   written or is larger than a limit of this side's. That says nothing of the
 *   other side, and the same call would fail again.
 */
export type Progress = "unsent" | "refused" | "sent" | "local";

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

/** What calls failed with on this side. Not in the errors themselves: many are their caller's own. */
const onThisSide = new WeakSet<Error>();

/**
 * Notes that a call failed on this side, so that {@link progressOf} says `local`.
 *
 * @param thrown what it failed with; what is no error becomes one
 */
export function local(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : ConnectError.from(thrown);
  onThisSide.add(error);
  return error;
}

/** Whether a message is larger than this side takes or sends. Connect's own machinery tells it in these words alone. */
function exceedsLimit(error: Error): boolean {
  if (!(error instanceof ConnectError) || error.code !== Code.ResourceExhausted || error.isWireError) return false;
  return /\bconfigured (?:read|write)MaxBytes\b/.test(error.rawMessage);
}

/** How far the request of a failed call had come, or undefined when it was answered. */
export function progressOf(error: unknown): Progress | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if (onThisSide.has(at) || exceedsLimit(at)) return "local";
    if (at instanceof ConnectionFailure) return at.progress;
  }
  return undefined;
}
