import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { BadRequestSchema } from "../../../gen/google/rpc/error_details_pb.ts";

/** A request that is turned down with an HTTP status of its own, not that of its code. */
export class HttpRefusal extends Error {
  override readonly name = "HttpRefusal";
  readonly status: number;
  readonly error: ConnectError;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, code: Code, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.error = new ConnectError(message, code);
    this.headers = headers;
  }
}

/**
 * The error for a part of a request that cannot be read: `invalid_argument`,
 * with a `google.rpc.BadRequest` that names the field.
 */
export function badRequest(field: string, description: string): ConnectError {
  const value = create(BadRequestSchema, { fieldViolations: [{ field, description }] });
  return new ConnectError(`${field}: ${description}`, Code.InvalidArgument, undefined, [
    { desc: BadRequestSchema, value },
  ]);
}

/** 404: no rule has the path. In Fastify's words, whose routes do not have it either. */
export function unknownPath(method: string, path: string): HttpRefusal {
  return new HttpRefusal(404, `Route ${method}:${path} not found`, Code.NotFound);
}

/** 405: the path is known, but not with this HTTP method. */
export function methodNotAllowed(method: string, path: string, allow: readonly string[]): HttpRefusal {
  const methods = allow.join(", ");
  return new HttpRefusal(405, `${path} does not take ${method}; use ${methods}`, Code.Unimplemented, { allow: methods });
}

/** 415: the body has a format that the rule does not take. */
export function unsupportedType(given: string, wanted: string): HttpRefusal {
  return new HttpRefusal(
    415,
    `a body of the content type ${given} is not taken here; send ${wanted}`,
    Code.Unimplemented,
    { accept: wanted },
  );
}

/** A refusal of a request that reached no method, as a whole answer. */
export function refusalResponse(method: string, { status, error, headers }: HttpRefusal): UniversalServerResponse {
  const header = new Headers({ ...headers, "content-type": "application/json" });
  if (method === "HEAD") return { status, header, body: createAsyncIterable([]) };
  const body = new TextEncoder().encode(refusalBody(error));
  header.set("content-length", String(body.byteLength));
  return { status, header, body: createAsyncIterable([body]) };
}

/** The `google.rpc.Status` of an error without details. */
export function refusalBody({ code, rawMessage }: ConnectError): string {
  return JSON.stringify({ code, message: rawMessage, details: [] });
}
