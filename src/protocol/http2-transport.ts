import type { Interceptor, Transport } from "@connectrpc/connect";
import type { Compression, UniversalClientFn } from "@connectrpc/connect/protocol";
import { createTransport as createGrpc } from "@connectrpc/connect/protocol-grpc";
import { createTransport as createGrpcWeb } from "@connectrpc/connect/protocol-grpc-web";
import type { Codec } from "../codec/codec.ts";
import { compressMinBytes, compressionOf, compressions } from "./compression.ts";
import type { CompressionName } from "./compression.ts";
import { connectTransport } from "./connect/client.ts";
import { http2Client } from "./http2-client.ts";
import { Http2Connection } from "./http2-connection.ts";
import type { Http2ConnectionOptions } from "./http2-connection.ts";

/** A protocol, with what it leaves open. */
export type Wire =
  | { readonly protocol: "connect"; readonly codec: Codec; readonly httpGet: boolean }
  | { readonly protocol: "grpc" | "grpc-web" };

/** Options of {@link http2Transport}. */
export interface Http2TransportOptions extends Http2ConnectionOptions {
  readonly wire: Wire;
  /** Run around each call of this transport. */
  readonly interceptors: readonly Interceptor[];
  /** Compresses requests of 1 KiB and more. Default: sends them as they are. */
  readonly compression?: CompressionName | undefined;
  /** Largest response message, also after decompression, in bytes. */
  readonly readMaxBytes: number;
  /** Largest request message, in bytes. */
  readonly writeMaxBytes: number;
}

/** A transport over one HTTP/2 connection. */
export interface Http2Transport extends Transport, AsyncDisposable {
  /** Connects without a call. Rejects when it cannot. */
  probe(signal: AbortSignal): Promise<void>;
}

/** Connect's transport for a wire, over an HTTP/2 connection of our own. */
export function http2Transport(address: string, options: Http2TransportOptions): Http2Transport {
  const connection = new Http2Connection(address, options);
  const compression =
    options.compression === undefined ? undefined : compressionOf(options.compression);
  const transport = create(options, connection.origin, http2Client(connection), compression);
  return {
    unary: transport.unary.bind(transport),
    stream: transport.stream.bind(transport),
    probe: (signal) => connection.ready(signal),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function create(
  options: Http2TransportOptions,
  baseUrl: string,
  httpClient: UniversalClientFn,
  compression: Compression | undefined,
): Transport {
  const { wire, interceptors, readMaxBytes, writeMaxBytes } = options;
  const shared = { baseUrl, httpClient, readMaxBytes, writeMaxBytes };
  if (wire.protocol === "connect") {
    return connectTransport({ ...shared, ...wire, interceptors, compression });
  }
  const common = {
    ...shared,
    interceptors: [...interceptors],
    useBinaryFormat: true,
    acceptCompression: [...compressions],
    sendCompression: compression ?? null,
    compressMinBytes,
  };
  return wire.protocol === "grpc" ? createGrpc(common) : createGrpcWeb(common);
}
