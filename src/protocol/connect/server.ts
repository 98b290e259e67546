import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import type { Interceptor, MethodImplSpec } from "@connectrpc/connect";
import { createHandlerContext } from "@connectrpc/connect";
import { compressionNegotiate, contentTypeMatcher, createMethodUrl } from "@connectrpc/connect/protocol";
import type {
  ProtocolHandlerFactory,
  UniversalHandler,
  UniversalServerRequest,
} from "@connectrpc/connect/protocol";
import { headerTimeout, parseTimeout } from "@connectrpc/connect/protocol-connect";
import type { Codec } from "../../codec/codec.ts";
import { maxTimerMs } from "../../async/sleep.ts";
import { compressions } from "../compression.ts";
import type { RequestGate } from "../hosted.ts";
import { streamType, typePattern, unaryType } from "./content-type.ts";
import { methodCodec } from "./method-codec.ts";
import type { MessageLimits, MethodCodec } from "./method-codec.ts";
import { streamHandler } from "./server-stream.ts";
import { unaryHandler } from "./server-unary.ts";

/** Options of the Connect protocol's handlers. */
export interface ConnectServerOptions extends MessageLimits {
  /** The formats that messages may have. */
  readonly codecs: readonly Codec[];
  /** Run around each call. */
  readonly interceptors: readonly Interceptor[];
  /** Runs after the headers, before the body is read; throws to turn the call away. */
  readonly requestGate: RequestGate | undefined;
  /** Aborts the signals of all running calls. */
  readonly shutdownSignal: AbortSignal;
}

/** One call of the Connect protocol before its body is read. */
export interface ConnectCall {
  readonly context: ReturnType<typeof createHandlerContext>;
  readonly compression: ReturnType<typeof compressionNegotiate>;
  /** What was wrong with the request's headers, to be answered in the protocol's way. */
  readonly refusal: unknown;
}

/**
 * The Connect protocol over any codec (connectrpc.com/docs/protocol): one
 * factory for what upstream splits into a flag for protobuf or JSON. Errors and
 * ends of streams are JSON whatever the codec.
 */
export function connectHandlers(options: ConnectServerOptions): ProtocolHandlerFactory {
  const factory = (spec: MethodImplSpec): UniversalHandler => {
    const unary = spec.kind === "unary";
    const form = unary ? unaryType : streamType;
    const codecs = lazyCodecs(options, spec.method);
    const get = unary && spec.method.idempotency === Level.NO_SIDE_EFFECTS;
    const handle = unary
      ? unaryHandler(spec, codecs, options, get)
      : streamHandler(spec, codecs, options);
    return Object.assign(handle, {
      protocolNames: ["connect"],
      supportedContentType: contentTypeMatcher(
        ...options.codecs.map((codec) => typePattern(codec, form)),
      ),
      allowedMethods: get ? ["POST", "GET"] : ["POST"],
      requestPath: createMethodUrl("/", spec.method),
      service: spec.method.parent,
      method: spec.method,
    });
  };
  factory.protocolName = "connect";
  return factory;
}

/** Makes the context of a call from its headers. */
export function beginCall(
  spec: MethodImplSpec,
  req: UniversalServerRequest,
  contentType: string,
  encoding: { readonly requested: string | null; readonly acceptHeader: string },
  options: ConnectServerOptions,
): ConnectCall {
  const timeout = parseTimeout(req.header.get(headerTimeout), maxTimerMs);
  const context = createHandlerContext({
    service: spec.method.parent,
    method: spec.method,
    requestMethod: req.method,
    protocolName: "connect",
    ...(timeout.timeoutMs === undefined ? {} : { timeoutMs: timeout.timeoutMs }),
    shutdownSignal: options.shutdownSignal,
    requestSignal: req.signal,
    requestHeader: req.header,
    url: req.url,
    responseHeader: { "content-type": contentType },
    ...(req.contextValues === undefined ? {} : { contextValues: req.contextValues }),
  });
  const compression = compressionNegotiate(
    [...compressions],
    encoding.requested,
    req.header.get(encoding.acceptHeader),
    encoding.acceptHeader,
  );
  return { context, compression, refusal: compression.error ?? timeout.error };
}

/** Finds the codec of a content type and compiles it for the method at its first use. */
export type CodecLookup = (
  find: (codecs: readonly Codec[]) => Codec | undefined,
) => MethodCodec<DescMethod["input"], DescMethod["output"]> | undefined;

function lazyCodecs(options: ConnectServerOptions, method: DescMethod): CodecLookup {
  const compiled = new Map<Codec, MethodCodec<DescMethod["input"], DescMethod["output"]>>();
  return (find) => {
    const codec = find(options.codecs);
    if (codec === undefined) return undefined;
    let ready = compiled.get(codec);
    if (ready === undefined) {
      ready = methodCodec(codec, method, options);
      compiled.set(codec, ready);
    }
    return ready;
  };
}
