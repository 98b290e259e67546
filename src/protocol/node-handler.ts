import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { constants } from "node:http2";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { ByteQueue } from "./byte-queue.ts";
import { drained } from "./drain.ts";
import { finishStream } from "./finish-stream.ts";
import { tidyGrpcMessage } from "./grpc/message.ts";
import { toNodeHeaders, toWebHeaders } from "./headers.ts";
import { inboundKey, inboundOf } from "./inbound.ts";
import { explain } from "./refusal.ts";
import { requestUrl } from "./request-url.ts";
import { boundTimeout } from "./timeout.ts";
import type { TimeoutBounds } from "./timeout.ts";
import type { UnaryRoute } from "./unary/route.ts";
import { limitUpload } from "./upload.ts";

/** A request of `node:http` or of `node:http2`'s compatible API. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** A response of `node:http` or of `node:http2`'s compatible API. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** A method as the wires reach it. */
export interface Route {
  readonly handler: UniversalHandler;
  /** Deadlines that callers may have. */
  readonly bounds: TimeoutBounds;
  /** Ends running calls when it aborts, with its reason. */
  readonly shutdown: AbortSignal;
  /** The method's calls that need nothing unusual; undefined when there are none. */
  readonly unary?: UnaryRoute | undefined;
}

/**
 * Answers a request with one of Connect's handlers. Never rejects: what goes
 * wrong after the handler has answered can only end the connection.
 */
export async function serve(route: Route, req: NodeRequest, res: NodeResponse): Promise<void> {
  const { handler } = route;
  const contentType = req.headers["content-type"];
  const refused = { method: req.method ?? "", path: handler.requestPath, contentType };
  try {
    const response = await handler(universalRequest(route, req, res));
    await respond(req, res, explain(refused, handler, response));
  } catch {
    // The caller is gone, or the answer broke off while it was written.
    if ("stream" in res) res.stream?.close(constants.NGHTTP2_INTERNAL_ERROR);
    else res.destroy();
  }
}

function universalRequest(
  { handler, bounds, shutdown }: Route,
  req: NodeRequest,
  res: NodeResponse,
): UniversalServerRequest {
  const header = toWebHeaders(req.headers);
  const timeoutMs = boundTimeout(header, bounds);
  const body = new ByteQueue(req, {
    // A reset with NO_ERROR may also cut a request short: then it is aborted, or was
    // answered before, and the reset is the server's own.
    complete: () =>
      !("stream" in req) ||
      (!req.aborted && !res.writableEnded && req.stream.rstCode === constants.NGHTTP2_NO_ERROR),
  });
  const unary = handler.method.methodKind === "unary";
  const unwatch = unary ? limitUpload(body, timeoutMs, shutdown) : undefined;
  const controller = new AbortController();
  let failure: unknown;
  req.on("error", (error) => {
    failure = error;
  });
  res.on("error", () => {
    // Writing to a caller that has gone: "close" follows and tells the handler.
  });
  res.on("close", () => {
    unwatch?.();
    // Not "finished": an HTTP/2 response that was reset calls itself that.
    if (res.writableEnded) {
      // What nobody has read would keep the next request on an HTTP/1.1 connection waiting.
      if (!body.ended) body.fail(new ConnectError("the call has ended", Code.Canceled));
      return;
    }
    const gone = new ConnectError(
      "the caller ended the call before it was answered",
      Code.Canceled,
      undefined,
      undefined,
      failure,
    );
    controller.abort(gone);
    body.fail(gone);
  });
  return {
    httpVersion: req.httpVersion,
    method: req.method ?? "",
    url: urlOf(req),
    header,
    body,
    signal: controller.signal,
    contextValues: createContextValues().set(inboundKey, inboundOf(connectionOf(req))),
  };
}

/** What stands for the connection of a request; a stream that is gone has none any more. */
function connectionOf(req: NodeRequest): object {
  return "stream" in req ? (req.stream.session ?? req.stream) : req.socket;
}

/** The URL of a request. */
function urlOf(req: NodeRequest): string {
  const encrypted = "encrypted" in req.socket && req.socket.encrypted;
  return requestUrl(encrypted, "stream" in req ? req.authority : req.headers.host, req.url);
}

/** Writes a universal response, with back-pressure. */
export async function respond(
  req: NodeRequest,
  res: NodeResponse,
  response: UniversalServerResponse,
): Promise<void> {
  // HTTP/1.1 and HTTP/2 responses differ only in types here.
  const out = res as ServerResponse;
  if (response.body === undefined && response.trailer === undefined) {
    // One frame that is also the last: only so gRPC reads its status from headers.
    out.statusCode = response.status;
    for (const [name, value] of Object.entries(toNodeHeaders(response.header))) {
      if (value !== undefined) out.setHeader(name, value);
    }
    out.end();
    if ("stream" in req) finishStream(req.stream, "finish");
    return;
  }
  const inbound = inboundOf(connectionOf(req));
  const body = response.body?.[Symbol.asyncIterator]();
  try {
    // Implementations may set headers until the first message.
    let chunk = await body?.next();
    out.writeHead(response.status, withVary(out, toNodeHeaders(response.header)));
    for (; chunk?.done === false; chunk = await body?.next()) {
      if (closed(res)) return;
      inbound.chatter = 0;
      if (!out.write(chunk.value) && (closed(res) || !(await drained(out)))) return;
    }
    if (response.trailer !== undefined) {
      tidyGrpcMessage(response.trailer);
      out.addTrailers(toNodeHeaders(response.trailer));
    }
    out.end();
    if ("stream" in req) finishStream(req.stream, req.method === "HEAD" ? "finish" : "wantTrailers");
  } finally {
    body?.return?.()?.catch(() => {
      // The handler's own clean-up failed; there is nobody left to tell.
    });
  }
}

/** Keeps what the server said before that an answer depends on: `writeHead` would replace it. */
function withVary(out: ServerResponse, headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const before = out.getHeader("vary");
  if (before === undefined || headers["vary"] === undefined) return headers;
  return { ...headers, vary: `${String(before)}, ${headers["vary"]}` };
}

/** Whether nothing can be written any more. HTTP/2's compatible API does not tell by itself. */
function closed(res: NodeResponse): boolean {
  return "stream" in res ? res.stream === undefined || res.stream.destroyed : res.destroyed;
}
