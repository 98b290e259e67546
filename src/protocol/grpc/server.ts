import type { DescMessage, Message } from "@bufbuild/protobuf";
import { createHandlerContext } from "@connectrpc/connect";
import type { MethodImplSpec } from "@connectrpc/connect";
import {
  assertByteStreamRequest,
  compressionNegotiate,
  contentTypeMatcher,
  createMethodUrl,
  uResponseMethodNotAllowed,
  uResponseUnsupportedMediaType,
  untilFirst,
} from "@connectrpc/connect/protocol";
import type { ProtocolHandlerFactory, UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import {
  contentTypeRegExp,
  headerAcceptEncoding,
  headerEncoding,
  headerTimeout,
  parseContentType,
  parseTimeout,
  setTrailerStatus,
} from "@connectrpc/connect/protocol-grpc";
import { maxTimerMs } from "../../async/sleep.ts";
import type { Codec } from "../../codec/codec.ts";
import { compressMinBytes, compressions } from "../compression.ts";
import { methodCodec } from "../connect/method-codec.ts";
import type { MethodCodec } from "../connect/method-codec.ts";
import type { ConnectServerOptions } from "../connect/server-call.ts";
import { admitted } from "../stream/admitted.ts";
import { invokeStream } from "../stream/invoke.ts";
import { readMessages } from "../stream/read-messages.ts";
import { writeMessages } from "../stream/write-messages.ts";
import { wireError } from "../wire-error.ts";
import { tidyGrpcMessage } from "./message.ts";
import { unreadable } from "./unreadable.ts";

/** Options of {@link grpcHandlers}. */
export interface GrpcServerOptions extends Omit<ConnectServerOptions, "codecs"> {
  readonly protobuf: Codec;
  readonly json: Codec;
}

/**
 * gRPC over HTTP/2 (grpc/doc/PROTOCOL-HTTP2.md): methods of all kinds are
 * streams here, and a status in the trailers ends them.
 */
export function grpcHandlers(options: GrpcServerOptions): ProtocolHandlerFactory {
  const factory = (spec: MethodImplSpec): UniversalHandler =>
    Object.assign(handler(spec, options), {
      protocolNames: ["grpc"],
      allowedMethods: ["POST"],
      supportedContentType: contentTypeMatcher(contentTypeRegExp),
      requestPath: createMethodUrl("/", spec.method),
      service: spec.method.parent,
      method: spec.method,
    });
  factory.protocolName = "grpc";
  return factory;
}

function handler(spec: MethodImplSpec, options: GrpcServerOptions) {
  const compiled = new Map<Codec, MethodCodec<DescMessage, DescMessage>>();
  const codecOf = (codec: Codec): MethodCodec<DescMessage, DescMessage> => {
    let ready = compiled.get(codec);
    if (ready === undefined) {
      ready = methodCodec<DescMessage, DescMessage>(codec, spec.method, options, unreadable);
      compiled.set(codec, ready);
    }
    return ready;
  };
  return async (req: Parameters<UniversalHandler>[0]) => {
    assertByteStreamRequest(req);
    const type = parseContentType(req.header.get("content-type"));
    if (type === undefined) return uResponseUnsupportedMediaType;
    if (req.method !== "POST") return uResponseMethodNotAllowed;
    const { input, output, codec } = codecOf(type.binary ? options.protobuf : options.json);
    const timeout = parseTimeout(req.header.get(headerTimeout), maxTimerMs);
    const context = createHandlerContext({
      service: spec.method.parent,
      method: spec.method,
      requestMethod: req.method,
      protocolName: "grpc",
      ...(timeout.timeoutMs === undefined ? {} : { timeoutMs: timeout.timeoutMs }),
      shutdownSignal: options.shutdownSignal,
      requestSignal: req.signal,
      requestHeader: req.header,
      url: req.url,
      responseHeader: { "content-type": `application/grpc+${codec.type}` },
      responseTrailer: { "grpc-status": "0" },
      ...(req.contextValues === undefined ? {} : { contextValues: req.contextValues }),
    });
    const requested = req.header.get(headerEncoding);
    // gRPC's clients accept compression without wishing for it: answers are
    // compressed when requests are, as gRPC's own servers do.
    const wished = requested === null ? null : req.header.get(headerAcceptEncoding);
    const compression = compressionNegotiate([...compressions], requested, wished, headerAcceptEncoding);
    if (compression.response !== null) context.responseHeader.set(headerEncoding, compression.response.name);
    const requests = readMessages<Message>(req.body, {
      parse: (bytes) => input.parse(bytes),
      compression: compression.request ?? undefined,
      maxBytes: options.readMaxBytes,
    });
    const answers = admitted(
      () => invokeStream(spec, context, requests, options.interceptors),
      async () => {
        await options.requestGate?.(context);
        const refusal = compression.error ?? timeout.error;
        if (refusal !== undefined) throw refusal;
      },
    );
    let written = false;
    let thrownAtOnce = false;
    const body = writeMessages(answers, {
      serialize(message) {
        written = true;
        return output.serialize(message);
      },
      compression: compression.response ?? undefined,
      compressMinBytes,
      end(thrown) {
        context.abort(thrown);
        if (thrown !== undefined) {
          setTrailerStatus(context.responseTrailer, wireError(thrown));
          thrownAtOnce = !written;
        }
        return undefined;
      },
      left(reason) {
        context.abort(reason);
      },
    });
    // Implementations may set headers until their first message.
    const begun = await untilFirst(body);
    const { responseHeader: header, responseTrailer: trailer } = context;
    if (thrownAtOnce && spec.kind !== "unary" && isBare(header)) return trailersOnly(header, trailer);
    return { status: 200, body: begun, header, trailer };
  };
}

/** Whether an implementation has set no headers. */
function isBare(header: Headers): boolean {
  return [...header.keys()].every((name) => name === "content-type" || name === headerEncoding);
}

/**
 * An answer that is nothing but an error, in one block of headers
 * ("Trailers-Only"). Clients that repeat calls may then repeat it: nothing of an
 * answer has come (gRFC A6, "When Retries are Valid").
 */
function trailersOnly(header: Headers, trailer: Headers): UniversalServerResponse {
  const all = new Headers(trailer);
  all.set("content-type", header.get("content-type") ?? "application/grpc");
  tidyGrpcMessage(all);
  return { status: 200, header: all };
}
