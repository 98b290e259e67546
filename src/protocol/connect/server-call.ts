import type { DescMessage } from "@bufbuild/protobuf";
import { createHandlerContext } from "@connectrpc/connect";
import type { Interceptor, MethodImplSpec } from "@connectrpc/connect";
import { compressionNegotiate } from "@connectrpc/connect/protocol";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { headerTimeout, parseTimeout } from "@connectrpc/connect/protocol-connect";
import { maxTimerMs } from "../../async/sleep.ts";
import type { Codec } from "../../codec/codec.ts";
import { compressions } from "../compression.ts";
import type { RequestGate } from "../hosted.ts";
import type { MessageLimits, MethodCodec } from "./method-codec.ts";

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

/** Finds the codec of a content type and compiles it for the method at its first use. */
export type CodecLookup = (
  find: (codecs: readonly Codec[]) => Codec | undefined,
) => MethodCodec<DescMessage, DescMessage> | undefined;

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
