import { Code, ConnectError } from "@connectrpc/connect";

/**
 * An error as a caller in another process would get it: a `ConnectError` stays
 * what it is, everything else becomes `internal` without its text.
 */
export function wireError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
}
