import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeFromHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { encodeGrpcMessage } from "./grpc/message.ts";

/** A request that reached no method, or none that takes it as it is. */
export interface Refused {
  readonly method: string;
  readonly path: string;
  readonly contentType: string | undefined;
}

/**
 * The answer to a request for a method that does not exist: `unimplemented` in
 * the words of the caller's protocol.
 */
export function unknownMethod(request: Refused, known: readonly string[]): UniversalServerResponse {
  const hint = known.length === 0 ? "" : `; it has ${known.join(", ")}`;
  const message = `no method at ${request.path}${hint}`;
  return trailersOnly(request, message) ?? refuse(request, 404, message);
}

/**
 * Says what was wrong with a request that Connect's negotiation turned down
 * with a bare status: 405, 415 or 505.
 */
export function explain(
  request: Refused,
  handler: UniversalHandler,
  response: UniversalServerResponse,
): UniversalServerResponse {
  if (response.body !== undefined) return response;
  // Only unary methods can be called with GET; Connect's handler also lists it for streams.
  const get = handler.method.methodKind === "unary" && handler.allowedMethods.includes("GET");
  const allow = get ? "POST, GET" : "POST";
  const status = request.method === "GET" && !get ? 405 : response.status;
  switch (status) {
    case 405: {
      const message = `${request.path} does not take ${request.method}; use ${allow}`;
      return refuse(request, 405, message, { allow });
    }
    case 415: {
      const types = acceptable(handler);
      const message =
        request.method === "GET"
          ? `${request.path} takes a GET with ?connect=v1&encoding=json&message=<message>; add encoding, json or proto`
          : `${request.path} does not take ${given(request.contentType)}; use ${types}`;
      return refuse(request, 415, message, { "accept-post": types });
    }
    case 505: {
      const message = `${request.path} streams in both directions; use HTTP/2`;
      return refuse(request, 505, message, { connection: "close" });
    }
    default:
      return response;
  }
}

/** The answer to gRPC and gRPC-Web that there is no such method; undefined for others. */
function trailersOnly({ contentType = "" }: Refused, message: string): UniversalServerResponse | undefined {
  if (!/^application\/grpc\b/.test(contentType)) return undefined;
  return {
    status: 200,
    header: new Headers({
      "content-type": contentType,
      "grpc-status": String(Code.Unimplemented),
      "grpc-message": encodeGrpcMessage(message),
    }),
  };
}

/** Content types whose senders can read an error of the Connect protocol. */
const connectType = /^application\/(json|proto|msgpack|connect\+[\w.-]+)\b/i;

/**
 * An answer with a bare HTTP status, and words for people. Connect's clients get
 * them as an error, with the code that its protocol gives the status; those of
 * other protocols go by the status, and must not take the words for something else.
 */
function refuse(
  { contentType }: Refused,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): UniversalServerResponse {
  const json = contentType === undefined || connectType.test(contentType);
  const body = json
    ? errorToJsonBytes(new ConnectError(message, codeFromHttpStatus(status)), undefined)
    : new TextEncoder().encode(`${message}\n`);
  return {
    status,
    header: new Headers({
      ...headers,
      "content-type": json ? "application/json" : "text/plain; charset=utf-8",
      "content-length": String(body.byteLength),
    }),
    body: createAsyncIterable([body]),
  };
}

function given(contentType: string | undefined): string {
  return contentType === undefined ? "a request without content type" : `the content type ${contentType}`;
}

/** The content types that a handler takes, for people and for `Accept-Post`. */
function acceptable(handler: UniversalHandler): string {
  const candidates = [
    "application/json",
    "application/proto",
    "application/msgpack",
    "application/connect+json",
    "application/connect+proto",
    "application/connect+msgpack",
    "application/grpc",
    "application/grpc-web",
  ];
  return candidates.filter((type) => handler.supportedContentType(type)).join(", ");
}
