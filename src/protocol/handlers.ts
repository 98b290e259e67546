import type { Interceptor, MethodImplSpec } from "@connectrpc/connect";
import type {
  ProtocolHandlerFactory,
  UniversalHandler,
  UniversalHandlerOptions,
} from "@connectrpc/connect/protocol";
import { createUniversalMethodHandler } from "@connectrpc/connect/protocol";
import { createHandlerFactory as createGrpcWeb } from "@connectrpc/connect/protocol-grpc-web";
import type { Codec } from "../codec/codec.ts";
import { jsonCodec } from "../codec/json.ts";
import { protobufCodec } from "../codec/protobuf.ts";
import { compressions } from "./compression.ts";
import { connectHandlers } from "./connect/server.ts";
import { grpcHandlers } from "./grpc/server.ts";
import type { RequestGate } from "./hosted.ts";

/** Options of the handlers of one component. */
export interface HandlerOptions {
  /** Names of the channels to answer on. */
  readonly channels: readonly string[];
  /** Formats of the Connect protocol; those whose name is among the channels are understood. */
  readonly codecs: readonly Codec[];
  /** Run around each call. */
  readonly interceptors: readonly Interceptor[];
  /** Runs after the headers, before the body is read; throws to turn the call away. */
  readonly requestGate?: RequestGate | undefined;
  /** Largest request message, also after decompression, in bytes. */
  readonly readMaxBytes: number;
  /** Largest response message, in bytes. */
  readonly writeMaxBytes: number;
  /** Aborts the signals of all running calls. */
  readonly shutdownSignal: AbortSignal;
}

/** Makes Connect's handlers: one a method, for all wires that its component offers. */
export function handlerFactory(
  options: HandlerOptions,
): (spec: MethodImplSpec) => UniversalHandler | undefined {
  const { channels, interceptors, requestGate, shutdownSignal } = options;
  const codecs = options.codecs.filter(({ name }) => channels.includes(name));
  const registry = options.codecs.find(({ type }) => type === "json")?.registry;
  const shared: Partial<UniversalHandlerOptions> = {
    acceptCompression: [...compressions],
    interceptors: [...interceptors],
    readMaxBytes: options.readMaxBytes,
    writeMaxBytes: options.writeMaxBytes,
    shutdownSignal,
    ...(registry === undefined ? {} : { jsonOptions: { registry } }),
    ...(requestGate === undefined ? {} : { requestGate }),
  };
  const protocols: ProtocolHandlerFactory[] = [];
  if (channels.includes("grpc")) {
    const json = options.codecs.find(({ type }) => type === "json") ?? jsonCodec();
    protocols.push(grpcHandlers({ ...options, requestGate, protobuf: protobufCodec, json }));
  }
  if (channels.includes("grpc-web")) protocols.push(createGrpcWeb(shared));
  if (codecs.length > 0) {
    protocols.push(connectHandlers({ ...options, codecs, requestGate }));
  }
  if (protocols.length === 0) return () => undefined;
  return (spec) => createUniversalMethodHandler(spec, protocols);
}
