import type { OutgoingHttpHeaders } from "node:http";
import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { Codec } from "../../codec/codec.ts";
import { methodCodec } from "../connect/method-codec.ts";
import type { MessageLimits } from "../connect/method-codec.ts";
import { envelop, envelopeBytes, onlyMessage } from "../envelope.ts";
import { tidyGrpcMessage } from "./message.ts";
import { addHeaders, toNodeHeaders } from "../headers.ts";
import { plainGrpcTimeoutMs } from "../timeout.ts";
import type { UnaryForm } from "../unary/form.ts";
import { unreadable } from "./unreadable.ts";

/** gRPC's unary calls of a method, in one piece (see `unary/server-call.ts`). HTTP/2 only: it has trailers. */
export function grpcForm(codec: Codec, method: DescMethod, limits: MessageLimits): UnaryForm {
  const { input, output } = methodCodec<DescMessage, DescMessage>(codec, method, limits, unreadable);
  const contentType = `application/grpc+${codec.type}`;
  return {
    protocolName: "grpc",
    needsHttp2: true,
    answerHeader: { "content-type": contentType },
    maxBytes: limits.readMaxBytes,
    overheadBytes: envelopeBytes,
    admit(headers) {
      const encoding = headers["grpc-encoding"];
      if (encoding !== undefined && encoding !== "identity") return undefined;
      const timeout = headers["grpc-timeout"];
      return timeout === undefined ? -1 : plainGrpcTimeoutMs(timeout);
    },
    decode(body) {
      const bytes = onlyMessage(body, limits.readMaxBytes, "input");
      if (bytes !== undefined) return input.parse(bytes);
      throw new ConnectError("protocol error: missing input message for unary method", Code.Unimplemented);
    },
    success(message, context) {
      const body = envelop(output.serialize(message));
      const headers: OutgoingHttpHeaders = { "content-type": contentType };
      addHeaders(headers, context.header, "");
      const trailers: OutgoingHttpHeaders = { "grpc-status": "0" };
      addHeaders(trailers, context.trailer, "");
      return { status: 200, headers, body, trailers };
    },
    failure(error, context) {
      const headers: OutgoingHttpHeaders = { "content-type": contentType };
      addHeaders(headers, context.header, "");
      const trailer = context.responseTrailer;
      setTrailerStatus(trailer, error);
      tidyGrpcMessage(trailer);
      return { status: 200, headers, body: undefined, trailers: toNodeHeaders(trailer) };
    },
  };
}
