import { Agent, type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { Agent as SecureAgent, request as httpsRequest } from "node:https";
import type { ConnectionOptions } from "node:tls";
import type { Endpoint } from "./address.ts";

/** A request to the agent. */
export interface HttpRequest {
  readonly method: "GET" | "PUT" | "POST";
  /** Path with query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Time for the whole answer from the moment that a socket is free, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly agent: Agent;
}

/** A whole answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/**
 * Sends one request and reads the whole answer. Rejects when the connection
 * breaks, also in the middle of the body, on timeout, and when the signal
 * aborts; the request is then gone from the wire as well.
 */
export function send(to: Endpoint, request: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const start = to.secure ? httpsRequest : httpRequest;
    const outgoing = start({
      ...("host" in to ? { host: to.host, port: to.port } : { socketPath: to.socketPath }),
      method: request.method,
      path: request.path,
      headers: request.headers,
      agent: request.agent,
      signal: request.signal,
    });
    let timer: NodeJS.Timeout | undefined;
    outgoing.once("socket", () => {
      timer = setTimeout(() => {
        outgoing.destroy(new Error(`no answer within ${request.timeoutMs} ms`));
      }, request.timeoutMs);
      timer.unref();
    });
    outgoing.on("error", reject);
    outgoing.once("close", () => {
      clearTimeout(timer);
      // The last resort: no path may leave the caller waiting.
      reject(new Error("the connection was closed before the answer was complete"));
    });
    outgoing.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.once("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    outgoing.end(request.body);
  });
}

/** A pool of connections to the agent, of a limited size. */
export function sockets(
  to: Endpoint,
  tls: ConnectionOptions | undefined,
  maxSockets: number,
): Agent {
  // Idle connections count as well when the agent limits them, so few are kept,
  // and none for long. The timeout ends no request.
  const common = { keepAlive: true, maxSockets, maxFreeSockets: 2, timeout: 60_000 };
  if (to.secure) return new SecureAgent({ ...tls, ...common });
  // Merged into the options of each request, so it also reaches those of npm `consul`.
  return new Agent({ ...common, ...("socketPath" in to ? { socketPath: to.socketPath } : {}) });
}
