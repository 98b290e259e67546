import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import { createContextValues } from "@connectrpc/connect";
import type { UnaryRequest, UnaryResponse } from "@connectrpc/connect";
import { createAsyncIterable, readAllBytes, runUnaryCall } from "@connectrpc/connect/protocol";
import {
  errorFromJsonBytes,
  headerUnaryAcceptEncoding,
  headerUnaryEncoding,
  trailerDemux,
  transformConnectPostToGetRequest,
} from "@connectrpc/connect/protocol-connect";
import { positive, requestHeader } from "./client-header.ts";
import { decompressor, statusError, unexpectedType } from "./client-response.ts";
import type { CallInit, ClientMethod, ConnectClientOptions } from "./client.ts";
import { codecOf, unaryType } from "./content-type.ts";

/** Makes one unary call. */
export function callUnary<I extends DescMessage, O extends DescMessage>(
  options: ConnectClientOptions,
  prepared: ClientMethod<I, O>,
  method: DescMethodUnary<I, O>,
  init: CallInit & { readonly message: MessageInitShape<I> },
): Promise<UnaryResponse<I, O>> {
  const timeoutMs = positive(init.timeoutMs);
  const contentType = unaryType(prepared.codec);
  return runUnaryCall<I, O>({
    interceptors: [...options.interceptors],
    ...(init.signal === undefined ? {} : { signal: init.signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    req: {
      stream: false,
      service: method.parent,
      method,
      requestMethod: "POST",
      url: prepared.url,
      header: requestHeader(
        init.header,
        contentType,
        options.compression === undefined ? undefined : headerUnaryAcceptEncoding,
        timeoutMs,
      ),
      contextValues: init.contextValues ?? createContextValues(),
      message: init.message,
    },
    next: (req) => send(options, prepared, req),
  });
}

async function send<I extends DescMessage, O extends DescMessage>(
  options: ConnectClientOptions,
  prepared: ClientMethod<I, O>,
  req: UnaryRequest<I, O>,
): Promise<UnaryResponse<I, O>> {
  let bytes: Uint8Array = prepared.input.serialize(req.message);
  if (options.compression !== undefined && bytes.byteLength >= options.compressMinBytes) {
    bytes = await options.compression.compress(bytes);
    req.header.set(headerUnaryEncoding, options.compression.name);
  }
  const get = options.httpGet && req.method.idempotency === Level.NO_SIDE_EFFECTS;
  const sent = get ? transformConnectPostToGetRequest(req, bytes, !prepared.codec.text) : req;
  const response = await options.httpClient({
    url: sent.url,
    method: sent.requestMethod,
    header: sent.header,
    signal: req.signal,
    ...(get ? {} : { body: createAsyncIterable([bytes]) }),
  });
  const type = response.header.get("content-type");
  const isError = response.status !== 200;
  if (isError && !/^application\/json\b/i.test(type ?? "")) throw statusError(response);
  if (!isError && codecOf([prepared.codec], type, unaryType) === undefined) {
    throw unexpectedType(response.header, prepared.codec, unaryType);
  }
  const compression = decompressor(response.header, headerUnaryEncoding);
  let body: Uint8Array = await readAllBytes(
    response.body,
    options.readMaxBytes,
    response.header.get("content-length"),
  );
  if (compression !== undefined) {
    body = await compression.decompress(body, options.readMaxBytes);
  }
  const [header, trailer] = trailerDemux(response.header);
  if (isError) {
    const metadata = new Headers(header);
    trailer.forEach((value, name) => {
      metadata.append(name, value);
    });
    throw errorFromJsonBytes(body, metadata, statusError(response));
  }
  return {
    stream: false,
    service: req.service,
    method: req.method,
    header,
    trailer,
    message: prepared.output.parse(body),
  };
}
