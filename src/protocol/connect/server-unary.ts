import { base64Decode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import type { MethodImplSpec } from "@connectrpc/connect";
import {
  assertByteStreamRequest,
  createAsyncIterable,
  invokeUnaryImplementation,
  mergeNonProtocolHeaders,
  readAllBytes,
  uResponseMethodNotAllowed,
  uResponseUnsupportedMediaType,
} from "@connectrpc/connect/protocol";
import type {
  Compression,
  UniversalHandlerFn,
  UniversalServerRequest,
} from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  errorToJsonBytes,
  headerUnaryAcceptEncoding,
  headerUnaryEncoding,
  trailerMux,
} from "@connectrpc/connect/protocol-connect";
import { compressMinBytes } from "../compression.ts";
import { wireError } from "../wire-error.ts";
import { codecOf, unaryType } from "./content-type.ts";
import { beginCall } from "./server-call.ts";
import type { CodecLookup, ConnectServerOptions } from "./server-call.ts";

/** Handles a unary method of the Connect protocol, by POST and, where `get` allows it, by GET. */
export function unaryHandler(
  spec: MethodImplSpec,
  codecs: CodecLookup,
  options: ConnectServerOptions,
  get: boolean,
): UniversalHandlerFn {
  if (spec.kind !== "unary") throw new TypeError(`${spec.method.name} is not unary`);
  return async (req) => {
    if (req.method === "GET" && !get) return uResponseMethodNotAllowed;
    const query = req.method === "GET" ? new URL(req.url).searchParams : undefined;
    const found = codecs((all) =>
      query === undefined
        ? codecOf(all, req.header.get("content-type"), unaryType)
        : all.find(({ type }) => type === query.get("encoding")),
    );
    if (found === undefined) return uResponseUnsupportedMediaType;
    const { context, compression, refusal } = beginCall(
      spec,
      req,
      unaryType(found.codec),
      {
        requested: query === undefined ? req.header.get(headerUnaryEncoding) : query.get("compression"),
        acceptHeader: headerUnaryAcceptEncoding,
      },
      options,
    );
    let status = 200;
    let body: Uint8Array;
    try {
      await options.requestGate?.(context);
      if (refusal !== undefined) throw refusal;
      const bytes =
        query === undefined
          ? await readBody(req, compression.request, options.readMaxBytes)
          : await readQuery(query, compression.request, options.readMaxBytes);
      const output = await invokeUnaryImplementation(spec, context, found.input.parse(bytes), [
        ...options.interceptors,
      ]);
      body = found.output.serialize(output);
    } catch (thrown) {
      context.abort(thrown);
      const error = wireError(thrown);
      status = codeToHttpStatus(error.code);
      context.responseHeader.set("content-type", "application/json");
      // The metadata of an error that came from another call stays with that call.
      if (!error.isWireError) mergeNonProtocolHeaders(context.responseHeader, error.metadata);
      body = errorToJsonBytes(error, undefined);
    } finally {
      context.abort();
    }
    if (compression.response !== null && body.byteLength >= compressMinBytes) {
      body = await compression.response.compress(body);
      context.responseHeader.set(headerUnaryEncoding, compression.response.name);
    }
    const header = trailerMux(context.responseHeader, context.responseTrailer);
    header.set("content-length", String(body.byteLength));
    return { status, header, body: createAsyncIterable([body]) };
  };
}

async function readBody(
  req: UniversalServerRequest,
  compression: Compression | null,
  readMaxBytes: number,
): Promise<Uint8Array> {
  assertByteStreamRequest(req);
  const bytes = await readAllBytes(req.body, readMaxBytes, req.header.get("content-length"));
  return compression === null ? bytes : compression.decompress(bytes, readMaxBytes);
}

/** The message of a Connect GET (connectrpc.com/docs/protocol, "Unary-Get-Request"). */
function readQuery(
  query: URLSearchParams,
  compression: Compression | null,
  readMaxBytes: number,
): Uint8Array | Promise<Uint8Array> {
  const message = query.get("message") ?? "";
  const bytes = query.get("base64") === "1" ? fromBase64(message) : new TextEncoder().encode(message);
  return compression === null ? bytes : compression.decompress(bytes, readMaxBytes);
}

function fromBase64(text: string): Uint8Array {
  try {
    return base64Decode(text);
  } catch (error) {
    throw new ConnectError(
      "the query parameter message is not base64",
      Code.InvalidArgument,
      undefined,
      undefined,
      error,
    );
  }
}
