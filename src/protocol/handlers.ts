import type { Interceptor, MethodImplSpec } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type {
  ProtocolHandlerFactory,
  UniversalHandler,
  UniversalHandlerOptions,
} from "@connectrpc/connect/protocol";
import { createUniversalMethodHandler } from "@connectrpc/connect/protocol";
import { createHandlerFactory as createConnect } from "@connectrpc/connect/protocol-connect";
import { createHandlerFactory as createGrpc } from "@connectrpc/connect/protocol-grpc";
import { createHandlerFactory as createGrpcWeb } from "@connectrpc/connect/protocol-grpc-web";

/** Options of the handlers of one component. */
export interface HandlerOptions {
  /** Names of the channels to answer on. */
  readonly channels: readonly string[];
  /** Run around each call. */
  readonly interceptors: readonly Interceptor[];
  /** Largest request message, also after decompression, in bytes. */
  readonly readMaxBytes: number;
  /** Largest response message, in bytes. */
  readonly writeMaxBytes: number;
  /** Aborts the signals of all running calls. */
  readonly shutdownSignal: AbortSignal;
}

/**
 * Makes Connect's handlers: one a method, for all wires that its component
 * offers. The channels `protobuf` and `json` are both the Connect protocol,
 * which always understands the two codecs.
 */
export function handlerFactory(options: HandlerOptions): (spec: MethodImplSpec) => UniversalHandler {
  const shared: Partial<UniversalHandlerOptions> = {
    acceptCompression: [compressionGzip, compressionBrotli],
    interceptors: [...options.interceptors],
    readMaxBytes: options.readMaxBytes,
    writeMaxBytes: options.writeMaxBytes,
    shutdownSignal: options.shutdownSignal,
  };
  const offers = (...names: string[]): boolean =>
    names.some((name) => options.channels.includes(name));
  const protocols: ProtocolHandlerFactory[] = [];
  if (offers("grpc")) protocols.push(createGrpc(shared));
  if (offers("grpc-web")) protocols.push(createGrpcWeb(shared));
  if (offers("protobuf", "json")) protocols.push(createConnect(shared));
  return (spec) => createUniversalMethodHandler(spec, protocols);
}
