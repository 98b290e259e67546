import type { Interceptor } from "@connectrpc/connect";
import type { Registry } from "@bufbuild/protobuf";
import { compressMinBytes, compressionOf } from "../compression.ts";
import type { CompressionName } from "../compression.ts";
import { http1Client } from "../http1-client.ts";
import { Http1Connections } from "../http1-connections.ts";
import type { Http1ConnectionsOptions } from "../http1-connections.ts";
import { http1Probe } from "../http1-probe.ts";
import { http2Client } from "../http2-client.ts";
import { Http2Connection } from "../http2-connection.ts";
import type { Http2ConnectionOptions } from "../http2-connection.ts";
import type { AddressTransport } from "../http2-transport.ts";
import { http1Unary } from "../unary/http1-unary.ts";
import { http2Unary } from "../unary/http2-unary.ts";
import { restTransport } from "./client.ts";

/** Options of {@link restAddressTransport}. */
export interface RestAddressOptions extends Http2ConnectionOptions, Http1ConnectionsOptions {
  readonly httpVersion: "2" | "1.1";
  /** Whether unary calls that want nothing unusual take the short way. Default true. */
  readonly fastPath?: boolean | undefined;
  /** Run around each call of this transport. */
  readonly interceptors: readonly Interceptor[];
  /** Types that may stand in a `google.protobuf.Any`, and types of error details. */
  readonly registry: Registry | undefined;
  /** Compresses request bodies. Default: sends them as they are. */
  readonly compression: CompressionName | undefined;
  /** Smallest body that is compressed, in bytes. Default 1024. */
  readonly compressMinBytes: number | undefined;
  /** Largest response message, also after decompression, in bytes. */
  readonly readMaxBytes: number;
  /** Largest request message, in bytes. */
  readonly writeMaxBytes: number;
}

/** REST over connections of our own to one address. */
export function restAddressTransport(address: string, options: RestAddressOptions): AddressTransport {
  const { interceptors, registry, compression, readMaxBytes, writeMaxBytes } = options;
  const shared = {
    interceptors,
    registry,
    compression: compression === undefined ? undefined : compressionOf(compression),
    compressMinBytes: options.compressMinBytes ?? compressMinBytes,
    readMaxBytes,
    writeMaxBytes,
  };
  if (options.httpVersion === "1.1") {
    const connections = new Http1Connections(address, options);
    return {
      ...restTransport({
        ...shared,
        httpClient: http1Client(connections),
        unaryHttp: options.fastPath === false ? undefined : http1Unary(connections),
        baseUrl: connections.origin,
        ready: undefined,
      }),
      endsAtDeadline: true,
      probe: (signal) => http1Probe(connections, signal),
      [Symbol.asyncDispose]: () => connections.close(),
    };
  }
  const connection = new Http2Connection(address, options);
  const ready = (signal: AbortSignal): Promise<void> => connection.ready(signal);
  return {
    ...restTransport({
      ...shared,
      httpClient: http2Client(connection),
      unaryHttp: options.fastPath === false ? undefined : http2Unary(connection),
      baseUrl: connection.origin,
      ready,
    }),
    endsAtDeadline: true,
    probe: ready,
    doubt: () => {
      connection.doubt();
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}
