import { constants } from "node:http2";
import type { ServerHttp2Stream } from "node:http2";

/**
 * Ends a request that was answered before it was read to its end: NO_ERROR
 * tells an HTTP/2 caller to stop sending and take the answer (RFC 9113, section
 * 8.1). The reset must follow the end of the answer: Node sends that right after
 * it asked for trailers, or with the headers when there is no body.
 */
export function finishStream(stream: ServerHttp2Stream, ending: "wantTrailers" | "finish"): void {
  if (stream.readableEnded || stream.destroyed) return;
  const end = (): void => {
    if (!stream.readableEnded && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
  };
  stream.once(ending, () => {
    // Node's own listener came first and sends trailers with setImmediate.
    setImmediate(end);
  });
}
