import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { compressMinBytes } from "../compression.ts";
import { addHeaders } from "../headers.ts";
import { plainTimeoutMs } from "../timeout.ts";
import type { UnaryAnswer, UnaryForm } from "../unary/form.ts";
import { answerWriter } from "./answer.ts";
import { answerEncoding } from "./encoding.ts";
import type { RestServerOptions } from "./options.ts";
import { requestReader } from "./request.ts";
import type { RestBinding } from "./rule.ts";

/** HTTP methods whose answers are as long as they say. */
const usualMethods: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

/**
 * The REST calls of a unary method by one binding, in one piece (see
 * `unary/server-call.ts`): JSON both ways, by a usual HTTP method. Undefined for
 * bindings with raw content.
 */
export function restForm(binding: RestBinding, options: RestServerOptions): UnaryForm | undefined {
  const reader = requestReader(binding, options);
  const writer = answerWriter(binding, options);
  if (reader.raw || writer.raw || !usualMethods.has(binding.httpMethod)) return undefined;
  return {
    protocolName: "rest",
    answerHeader: { "content-type": "application/json" },
    maxBytes: options.readMaxBytes,
    overheadBytes: 0,
    admit(headers) {
      const { "content-encoding": encoding, "connect-timeout-ms": timeout } = headers;
      if (encoding !== undefined && encoding !== "identity") return undefined;
      if (headers["grpc-timeout"] !== undefined || headers["x-server-timeout"] !== undefined) return undefined;
      return timeout === undefined ? -1 : plainTimeoutMs(timeout);
    },
    decode: (body, target) => reader.readBytes(body, target),
    success(message, context, headers) {
      const body = writer.bytes(message);
      const out: OutgoingHttpHeaders = { "content-type": "application/json", "content-length": body.byteLength };
      addHeaders(out, context.header, "");
      addHeaders(out, context.trailer, "trailer-");
      if (body.byteLength < compressMinBytes || headers["accept-encoding"] === undefined) {
        return { status: 200, headers: out, body };
      }
      return compressed(out, body, headers);
    },
    failure(error, context) {
      const { status, body } = writer.failure(error, context);
      const headers: OutgoingHttpHeaders = {};
      addHeaders(headers, context.header, "");
      addHeaders(headers, context.trailer, "trailer-");
      headers["content-length"] = body.byteLength;
      return { status, headers, body };
    },
  };
}

function compressed(
  out: OutgoingHttpHeaders,
  body: Uint8Array,
  headers: IncomingHttpHeaders,
): UnaryAnswer | Promise<UnaryAnswer> {
  const accept = new Headers({ "accept-encoding": String(headers["accept-encoding"]) });
  const encoding = answerEncoding(accept, body.byteLength);
  if (encoding === undefined) return { status: 200, headers: out, body };
  return encoding.compress(body as Uint8Array<ArrayBuffer>).then((smaller) => {
    out["content-encoding"] = encoding.name;
    out["content-length"] = smaller.byteLength;
    out["vary"] = [out["vary"] ?? [], "accept-encoding"].flat().join(", ");
    return { status: 200, headers: out, body: smaller };
  });
}
