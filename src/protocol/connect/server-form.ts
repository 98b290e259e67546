import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { compressionNegotiate, mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { Codec } from "../../codec/codec.ts";
import { compressMinBytes, compressions } from "../compression.ts";
import { plainTimeoutMs } from "../timeout.ts";
import { compressedAnswer, muxedAnswer } from "../unary/answer.ts";
import type { UnaryForm } from "../unary/form.ts";
import { unaryType } from "./content-type.ts";
import { methodCodec } from "./method-codec.ts";
import type { MessageLimits } from "./method-codec.ts";

/** The Connect protocol's unary calls of a method over one codec, in one piece (see `unary/server-call.ts`). */
export function connectForm(codec: Codec, method: DescMethod, limits: MessageLimits): UnaryForm {
  const { input, output } = methodCodec<DescMessage, DescMessage>(codec, method, limits);
  const contentType = unaryType(codec);
  const answerHeader = { "content-type": contentType };
  return {
    protocolName: "connect",
    answerHeader,
    maxBytes: limits.readMaxBytes,
    overheadBytes: 0,
    admit(headers) {
      const encoding = headers["content-encoding"];
      if (encoding !== undefined && encoding !== "identity") return undefined;
      const timeout = headers["connect-timeout-ms"];
      return timeout === undefined ? -1 : plainTimeoutMs(timeout);
    },
    decode: (body) => input.parse(body),
    success(message, context, headers) {
      const answer = muxedAnswer(200, contentType, output.serialize(message), context);
      const accepted = headers["accept-encoding"];
      if (answer.body.byteLength < compressMinBytes || accepted === undefined) return answer;
      const { response } = compressionNegotiate([...compressions], null, accepted, "accept-encoding");
      return response === null ? answer : compressedAnswer(answer, response);
    },
    failure(error, context) {
      context.responseHeader.set("content-type", "application/json");
      // The metadata of an error that came from another call stays with that call.
      if (!error.isWireError) mergeNonProtocolHeaders(context.responseHeader, error.metadata);
      const body = errorToJsonBytes(error, undefined);
      return muxedAnswer(codeToHttpStatus(error.code), "application/json", body, context);
    },
  };
}
