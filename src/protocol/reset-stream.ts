import { constants } from "node:http2";
import type { ClientHttp2Stream } from "node:http2";

/**
 * Resets a client's stream. By itself Node ends a request before it resets it,
 * and the other side takes what it has for the whole upload; a write that is
 * under way, even one of nothing, holds the end back.
 */
export function resetStream(stream: ClientHttp2Stream): void {
  if (stream.destroyed || stream.closed) return;
  if (!stream.writableEnded) stream.write(Buffer.alloc(0));
  stream.close(constants.NGHTTP2_CANCEL);
}
