import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import { errorText, meshError } from "../error.ts";
import { connectionError, ConnectionFailure } from "./progress.ts";

/** Why a connection ended that the mesh itself cut, because it no longer waits for running calls. */
export class CutOff extends Error {
  override readonly name = "CutOff";

  constructor() {
    super("the connection was closed on this side");
  }
}

/** The error of a request whose connection is gone: `MESH_CLOSED` where this side cut it, else `CONNECTION_FAILED`. */
export function lost(cause: unknown): ConnectError {
  if (cause instanceof CutOff) {
    const text = "the mesh was closed before the answer was complete";
    return meshError(Code.Unavailable, "MESH_CLOSED", text, { cause: new ConnectionFailure(text, "sent", cause) });
  }
  const why = cause === undefined ? "" : `: ${errorText(cause)}`;
  return connectionError(`the connection was lost before the answer came${why}`, "sent", cause);
}
