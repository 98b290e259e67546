import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";

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
  return refuse(request, 404, new ConnectError(`no method at ${request.path}${hint}`, Code.Unimplemented));
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
    case 405:
      return refuse(
        request,
        405,
        new ConnectError(`${request.path} does not take ${request.method}; use ${allow}`, Code.Unimplemented),
        { allow },
      );
    case 415: {
      const types = acceptable(handler);
      const message =
        request.method === "GET"
          ? `${request.path} takes a GET with ?connect=v1&encoding=json&message=<message>; add encoding, json or proto`
          : `${request.path} does not take ${given(request.contentType)}; use ${types}`;
      return refuse(
        request,
        415,
        new ConnectError(message, Code.Unimplemented),
        { "accept-post": types },
      );
    }
    case 505:
      return refuse(
        request,
        505,
        new ConnectError(`${request.path} streams in both directions; use HTTP/2`, Code.Unimplemented),
        { connection: "close" },
      );
    default:
      return response;
  }
}

function refuse(
  request: Refused,
  status: number,
  error: ConnectError,
  headers: Record<string, string> = {},
): UniversalServerResponse {
  const type = request.contentType ?? "";
  if (status === 404 && type.startsWith("application/grpc") && !type.startsWith("application/grpc-web")) {
    // A trailers-only response: gRPC clients read nothing else.
    return {
      status: 200,
      header: new Headers({
        "content-type": type,
        "grpc-status": String(error.code),
        "grpc-message": encodeURIComponent(error.rawMessage),
      }),
    };
  }
  const body = errorToJsonBytes(error, undefined);
  return {
    status,
    header: new Headers({
      ...headers,
      "content-type": "application/json",
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
    "application/connect+json",
    "application/connect+proto",
    "application/grpc",
    "application/grpc-web",
  ];
  return candidates.filter((type) => handler.supportedContentType(type)).join(", ");
}
