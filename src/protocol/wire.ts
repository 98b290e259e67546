import type { Interceptor, Transport } from "@connectrpc/connect";
import type { UniversalClientFn } from "@connectrpc/connect/protocol";
import { createTransport as createGrpc } from "@connectrpc/connect/protocol-grpc";
import { createTransport as createGrpcWeb } from "@connectrpc/connect/protocol-grpc-web";
import type { Codec } from "../codec/codec.ts";
import { jsonCodec } from "../codec/json.ts";
import type { JsonCodecOptions } from "../codec/json.ts";
import { protobufCodec } from "../codec/protobuf.ts";
import { compressMinBytes, compressionOf, compressions } from "./compression.ts";
import type { CompressionName } from "./compression.ts";
import { connectTransport } from "./connect/client.ts";
import { grpcStream } from "./grpc/client-stream.ts";
import { grpcUnary } from "./grpc/client-unary.ts";
import { keepingProgress } from "./keep-progress.ts";
import { shortenTimeout } from "./timeout.ts";
import type { UnaryHttp } from "./unary/http.ts";

/** A protocol, with what it leaves open. */
export type Wire =
  | { readonly protocol: "connect"; readonly codec: Codec; readonly httpGet: boolean }
  | {
      readonly protocol: "grpc" | "grpc-web";
      /** Messages are JSON instead of protobuf. Default: protobuf. */
      readonly json?: JsonCodecOptions | undefined;
    };

/** How a client speaks a wire, whatever carries it. */
export interface WireOptions {
  readonly wire: Wire;
  /** Run around each call of this transport. */
  readonly interceptors: readonly Interceptor[];
  /** Compresses requests. Default: sends them as they are. */
  readonly compression?: CompressionName | undefined;
  /** Smallest request that is compressed, in bytes. Default 1024. */
  readonly compressMinBytes?: number | undefined;
  /** Largest response message, also after decompression, in bytes. */
  readonly readMaxBytes: number;
  /** Largest request message, in bytes. */
  readonly writeMaxBytes: number;
}

/**
 * Connect's transport for a wire, over any HTTP client.
 *
 * @param unaryHttp carries unary calls that want nothing unusual. Default: the same HTTP client
 */
export function wireTransport(
  options: WireOptions,
  baseUrl: string,
  httpClient: UniversalClientFn,
  unaryHttp?: UnaryHttp,
): Transport {
  const { wire, interceptors, readMaxBytes, writeMaxBytes } = options;
  const compression =
    options.compression === undefined ? undefined : compressionOf(options.compression);
  const shared = {
    baseUrl,
    httpClient,
    readMaxBytes,
    writeMaxBytes,
    compressMinBytes: options.compressMinBytes ?? compressMinBytes,
  };
  if (wire.protocol === "connect") {
    return connectTransport({ ...shared, ...wire, interceptors, compression, unaryHttp });
  }
  const registry = wire.json?.registry;
  const grpcClient: UniversalClientFn = (request) => {
    shortenTimeout(request.header);
    return httpClient(request);
  };
  const common = {
    ...shared,
    httpClient: grpcClient,
    interceptors: [...interceptors],
    useBinaryFormat: wire.json === undefined,
    ...(registry === undefined ? {} : { jsonOptions: { registry } }),
    acceptCompression: compression === undefined ? [] : [...compressions],
    sendCompression: compression ?? null,
  };
  if (wire.protocol === "grpc-web") return keepingProgress(createGrpcWeb(common));
  const codec = wire.json === undefined ? protobufCodec : jsonCodec(wire.json);
  const limits = { readMaxBytes, writeMaxBytes };
  const stream = grpcStream({ ...shared, httpClient: grpcClient, codec, interceptors, compression });
  const plain = compression === undefined && interceptors.length === 0 ? unaryHttp : undefined;
  if (plain === undefined) return { ...keepingProgress(createGrpc(common)), stream };
  return { unary: grpcUnary(plain, codec, limits), stream };
}
