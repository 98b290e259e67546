import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { compressionNegotiate, mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { Codec } from "../../codec/codec.ts";
import { compressMinBytes, compressions } from "../compression.ts";
import { addHeaders } from "../headers.ts";
import { plainTimeoutMs } from "../timeout.ts";
import type { UnaryAnswer, UnaryForm } from "../unary/form.ts";
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
      const body = output.serialize(message);
      const out: OutgoingHttpHeaders = { "content-type": contentType, "content-length": body.byteLength };
      addHeaders(out, context.header, "");
      addHeaders(out, context.trailer, "trailer-");
      if (body.byteLength < compressMinBytes || headers["accept-encoding"] === undefined) {
        return { status: 200, headers: out, body };
      }
      return compressed(out, body, headers);
    },
    failure(error, context) {
      const body = errorToJsonBytes(error, undefined);
      // The metadata of an error that came from another call stays with that call.
      if (!error.isWireError) mergeNonProtocolHeaders(context.responseHeader, error.metadata);
      const out: OutgoingHttpHeaders = {};
      addHeaders(out, context.header, "");
      addHeaders(out, context.trailer, "trailer-");
      out["content-type"] = "application/json";
      out["content-length"] = body.byteLength;
      return { status: codeToHttpStatus(error.code), headers: out, body };
    },
  };
}

function compressed(
  out: OutgoingHttpHeaders,
  body: Uint8Array,
  headers: IncomingHttpHeaders,
): UnaryAnswer | Promise<UnaryAnswer> {
  const accepted = String(headers["accept-encoding"]);
  const { response } = compressionNegotiate([...compressions], null, accepted, "accept-encoding");
  if (response === null) return { status: 200, headers: out, body };
  return response.compress(body as Uint8Array<ArrayBuffer>).then((smaller) => {
    out["content-encoding"] = response.name;
    out["content-length"] = smaller.byteLength;
    return { status: 200, headers: out, body: smaller };
  });
}

