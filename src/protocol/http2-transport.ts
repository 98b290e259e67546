import type { Interceptor, Transport } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { CommonTransportOptions } from "@connectrpc/connect/protocol";
import { createTransport as createConnect } from "@connectrpc/connect/protocol-connect";
import { createTransport as createGrpc } from "@connectrpc/connect/protocol-grpc";
import { createTransport as createGrpcWeb } from "@connectrpc/connect/protocol-grpc-web";
import { http2Client } from "./http2-client.ts";
import { Http2Connection } from "./http2-connection.ts";
import type { Http2ConnectionOptions } from "./http2-connection.ts";

/** The wires that Connect's own transports speak. */
export type Wire = "connect" | "grpc" | "grpc-web";

/** Options of {@link http2Transport}. */
export interface Http2TransportOptions extends Http2ConnectionOptions {
  /** The protocol. */
  readonly wire: Wire;
  /** Whether messages are protobuf (true) or JSON. */
  readonly binary: boolean;
  /** Run around each call of this transport. */
  readonly interceptors: readonly Interceptor[];
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
  const transport = create(options.wire, {
    httpClient: http2Client(connection),
    baseUrl: connection.origin,
    useBinaryFormat: options.binary,
    interceptors: [...options.interceptors],
    acceptCompression: [compressionGzip, compressionBrotli],
    sendCompression: null,
    compressMinBytes: 1024,
    readMaxBytes: options.readMaxBytes,
    writeMaxBytes: options.writeMaxBytes,
  });
  return {
    unary: transport.unary.bind(transport),
    stream: transport.stream.bind(transport),
    probe: (signal) => connection.ready(signal),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function create(wire: Wire, options: CommonTransportOptions): Transport {
  switch (wire) {
    case "connect":
      return createConnect(options);
    case "grpc":
      return createGrpc(options);
    case "grpc-web":
      return createGrpcWeb(options);
  }
}
