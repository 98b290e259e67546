import { compressMinBytes } from "../compression.ts";
import { plainTimeoutMs } from "../timeout.ts";
import { compressedAnswer, muxedAnswer } from "../unary/answer.ts";
import type { UnaryForm } from "../unary/form.ts";
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
      const answer = muxedAnswer(200, "application/json", writer.bytes(message), context);
      const accepted = headers["accept-encoding"];
      if (answer.body.byteLength < compressMinBytes || accepted === undefined) return answer;
      const encoding = answerEncoding(new Headers({ "accept-encoding": accepted }), answer.body.byteLength);
      if (encoding === undefined) return answer;
      answer.headers["vary"] = [answer.headers["vary"] ?? [], "accept-encoding"].flat().join(", ");
      return compressedAnswer(answer, encoding);
    },
    failure(error, context) {
      const { status, body } = writer.failure(error, context);
      return muxedAnswer(status, "application/json", body, context);
    },
  };
}
