import type { Transport } from "@connectrpc/connect";
import { http2Client } from "./http2-client.ts";
import { Http2Connection } from "./http2-connection.ts";
import type { Http2ConnectionOptions } from "./http2-connection.ts";
import { http2Unary } from "./unary/http2-unary.ts";
import { wireTransport } from "./wire.ts";
import type { WireOptions } from "./wire.ts";

/** Options of {@link http2Transport}. */
export interface Http2TransportOptions extends WireOptions, Http2ConnectionOptions {
  /** Whether unary calls that want nothing unusual take the short way. Default true. */
  readonly fastPath?: boolean | undefined;
}

/** A transport whose connection may be gone without a word. */
export interface Doubtable {
  /**
   * Optional: something says that the other side no longer answers. Asks it
   * once, whether or not calls run, and ends the connection when it is silent,
   * which is then told as a lost one. A connection that is well stays.
   */
  doubt?(): void;
}

/** A transport to one address. */
export interface AddressTransport extends Transport, AsyncDisposable, Doubtable {
  /** Connects without a call. Rejects when it cannot. */
  probe(signal: AbortSignal): Promise<void>;
  /** Unary calls end by themselves when their `timeoutMs` is over. */
  readonly endsAtDeadline: true;
}

/** Connect's transport for a wire, over an HTTP/2 connection of our own. */
export function http2Transport(address: string, options: Http2TransportOptions): AddressTransport {
  const connection = new Http2Connection(address, options);
  const short = options.fastPath === false ? undefined : http2Unary(connection);
  const transport = wireTransport(options, connection.origin, http2Client(connection), short);
  return {
    unary: transport.unary.bind(transport),
    stream: transport.stream.bind(transport),
    endsAtDeadline: true,
    probe: (signal) => connection.ready(signal),
    doubt: () => {
      connection.doubt();
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}
