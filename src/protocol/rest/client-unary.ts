import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import type { UnaryRequest, UnaryResponse } from "@connectrpc/connect";
import { createAsyncIterable, runUnaryCall } from "@connectrpc/connect/protocol";
import { positive } from "../connect/client-header.ts";
import { callHeader, checkSize, describe } from "./client-method.ts";
import type { RestCallInit, RestClientOptions, RestMethod } from "./client-method.ts";

/** Makes one unary call. */
export function callUnary<I extends DescMessage, O extends DescMessage>(
  options: RestClientOptions,
  prepared: RestMethod,
  method: DescMethodUnary<I, O>,
  init: RestCallInit & { readonly message: MessageInitShape<I> },
): Promise<UnaryResponse<I, O>> {
  const timeoutMs = positive(init.timeoutMs);
  return runUnaryCall<I, O>({
    interceptors: [...options.interceptors],
    ...(init.signal === undefined ? {} : { signal: init.signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    req: {
      stream: false,
      service: method.parent,
      method,
      requestMethod: prepared.httpMethod,
      url: prepared.url,
      header: callHeader(init, options, timeoutMs),
      contextValues: init.contextValues ?? createContextValues(),
      message: init.message,
    },
    next: (req) => send(options, prepared, req),
  });
}

async function send<I extends DescMessage, O extends DescMessage>(
  options: RestClientOptions,
  prepared: RestMethod,
  req: UnaryRequest<I, O>,
): Promise<UnaryResponse<I, O>> {
  const exchange = prepared.write(req.message);
  const { request, reader } = exchange;
  describe(req.header, exchange);
  let bytes = request.body === undefined ? undefined : checkSize(request.body.bytes, options);
  const { compression, compressMinBytes } = options;
  if (bytes !== undefined && compression !== undefined && bytes.byteLength >= compressMinBytes) {
    bytes = await compression.compress(bytes);
    req.header.set("content-encoding", compression.name);
  }
  const response = await options.httpClient({
    url: `${options.baseUrl}${request.target}`,
    method: request.method,
    header: req.header,
    signal: req.signal,
    ...(bytes === undefined ? {} : { body: createAsyncIterable([bytes]) }),
  });
  const { message, header, trailer } = await reader.read(response, request.method);
  return {
    stream: false,
    service: req.service,
    method: req.method,
    header,
    trailer,
    message: message as MessageShape<O>,
  };
}
