import { Code, ConnectError } from "@connectrpc/connect";
import { http1Client } from "./http1-client.ts";
import { Http1Connections } from "./http1-connections.ts";
import type { Http1ConnectionsOptions } from "./http1-connections.ts";
import { http1Probe } from "./http1-probe.ts";
import type { AddressTransport } from "./http2-transport.ts";
import { http1Unary } from "./unary/http1-unary.ts";
import { wireTransport } from "./wire.ts";
import type { WireOptions } from "./wire.ts";

/** Options of {@link http1Transport}. */
export interface Http1TransportOptions extends WireOptions, Http1ConnectionsOptions {
  /** Whether unary calls that want nothing unusual take the short way. Default true. */
  readonly fastPath?: boolean | undefined;
}

/**
 * Connect's transport for a wire, over HTTP/1.1 connections of our own. Methods
 * that stream in both directions are `unimplemented`: HTTP/1.1 answers only
 * what it has read.
 */
export function http1Transport(address: string, options: Http1TransportOptions): AddressTransport {
  const connections = new Http1Connections(address, options);
  const short = options.fastPath === false ? undefined : http1Unary(connections);
  const transport = wireTransport(options, connections.origin, http1Client(connections), short);
  return {
    unary: transport.unary.bind(transport),
    stream(method, ...rest) {
      if (method.methodKind === "bidi_streaming") {
        return Promise.reject(
          new ConnectError(
            `${method.parent.typeName}.${method.name} streams in both directions, which HTTP/1.1 ` +
              'cannot; use a channel with httpVersion "2"',
            Code.Unimplemented,
          ),
        );
      }
      return transport.stream(method, ...rest);
    },
    endsAtDeadline: true,
    probe: (signal) => http1Probe(connections, signal),
    [Symbol.asyncDispose]: () => connections.close(),
  };
}
