import { constants } from "node:http2";
import type { ClientHttp2Stream, Http2Session } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { lost } from "./lost.ts";
import { connectionError } from "./progress.ts";

/**
 * The error of a client stream that closed before its answer was complete: by
 * the reset code of the other side (grpc/doc/PROTOCOL-HTTP2.md, "Errors"), or
 * `unavailable` when the connection is gone.
 *
 * @param session the stream's session, which a closed stream does not know any more
 * @param over whether the call's deadline has ended: a server that cancels it
 *   then, as those of gRPC do, was only quicker than the caller's own timer
 */
export function resetError(
  stream: ClientHttp2Stream,
  session: Http2Session | undefined,
  cause: unknown,
  over: boolean,
): ConnectError {
  const reset = stream.rstCode;
  if (reset === constants.NGHTTP2_REFUSED_STREAM) {
    return connectionError("the server refused the request before it looked at it", "refused", cause);
  }
  if (session === undefined || session.destroyed) return lost(cause);
  const code = codeOf(reset);
  if (code === undefined) {
    return connectionError("the server ended the answer too early", "sent", cause);
  }
  if (over && code === Code.Canceled) {
    return new ConnectError("the server ended the call at its deadline", Code.DeadlineExceeded);
  }
  return new ConnectError(`the server reset the request (HTTP/2 code ${reset})`, code);
}

function codeOf(reset: number | undefined): Code | undefined {
  switch (reset) {
    case constants.NGHTTP2_CANCEL:
      return Code.Canceled;
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return Code.ResourceExhausted;
    case constants.NGHTTP2_INADEQUATE_SECURITY:
    case constants.NGHTTP2_HTTP_1_1_REQUIRED:
      return Code.PermissionDenied;
    case undefined:
    case constants.NGHTTP2_NO_ERROR:
      return undefined;
    default:
      return Code.Internal;
  }
}
