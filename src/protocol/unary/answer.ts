import type { OutgoingHttpHeaders } from "node:http";
import type { Compression } from "@connectrpc/connect/protocol";
import { addHeaders } from "../headers.ts";
import type { CallContext } from "./call-context.ts";
import type { UnaryAnswer } from "./form.ts";

/**
 * An answer whose trailers stand among its headers, as Connect and REST have it.
 *
 * @param contentType what the body is, unless the handler has said otherwise
 */
export function muxedAnswer(
  status: number,
  contentType: string,
  body: Uint8Array,
  context: CallContext,
): UnaryAnswer & { readonly body: Uint8Array } {
  const headers: OutgoingHttpHeaders = { "content-type": contentType, "content-length": body.byteLength };
  addHeaders(headers, context.header, "");
  addHeaders(headers, context.trailer, "trailer-");
  return { status, headers, body };
}

/** The same answer with its body compressed. */
export async function compressedAnswer(
  { status, headers, body }: UnaryAnswer & { readonly body: Uint8Array },
  compression: Compression,
): Promise<UnaryAnswer> {
  const smaller = await compression.compress(body);
  headers["content-encoding"] = compression.name;
  headers["content-length"] = smaller.byteLength;
  return { status, headers, body: smaller };
}
