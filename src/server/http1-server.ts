import { createServer as createHttp } from "node:http";
import type { Server as HttpServer } from "node:http";
import { createServer as createHttps } from "node:https";
import type { Server as HttpsServer } from "node:https";
import { configurationError, errorText } from "../error.ts";
import type { NodeRequest, NodeResponse } from "../protocol/node-handler.ts";
import type { ServerLimits, ServerTlsOptions } from "./options.ts";
import { requireCertificate } from "./server-tls.ts";

/**
 * How long an idle connection is kept for its caller's next request, in
 * milliseconds. Longer than proxies keep theirs, commonly 60 s: whoever closes
 * first, and that should not be the server, cuts off requests that are on their way.
 */
const keepAliveTimeoutMs = 72_000;

/** Longest pause between two looks at connections whose requests are not complete, in milliseconds. */
const maxCheckMs = 5_000;

/** Node's HTTP/1.1 server, with or without TLS. */
export type Http1Server = HttpServer | HttpsServer;

/** TLS options with what is different from Node's defaults. */
export function secureContext(tls: ServerTlsOptions): ServerTlsOptions {
  return { minVersion: "TLSv1.2", ...tls };
}

/**
 * Makes the HTTP/1.1 server of a listener. With TLS it also offers HTTP/2 in
 * the handshake, which somebody else must then speak. Throws a configuration
 * error for TLS options that cannot work.
 */
export function http1Server(
  onRequest: (req: NodeRequest, res: NodeResponse) => void,
  limits: ServerLimits,
  tls: ServerTlsOptions | undefined,
): Http1Server {
  const http = {
    maxHeaderSize: limits.maxHeaderBytes,
    // Node refuses more for a part than for the whole.
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.max(10, Math.min(maxCheckMs, limits.headersTimeoutMs / 4)),
    keepAliveTimeout: keepAliveTimeoutMs,
  };
  if (tls === undefined) return createHttp(http, onRequest);
  requireCertificate(tls, "listen.tls has");
  try {
    return createHttps(
      {
        ...secureContext(tls),
        ALPNProtocols: ["h2", "http/1.1"],
        handshakeTimeout: limits.firstBytesTimeoutMs,
        ...http,
      },
      onRequest,
    );
  } catch (error) {
    throw configurationError(`listen.tls cannot be used: ${errorText(error)}`);
  }
}
