import type { OutgoingHttpHeaders } from "node:http";
import { create } from "@bufbuild/protobuf";
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { UnaryResponse } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { positive } from "../connect/client-header.ts";
import { addOwnHeaders, toWebHeaders } from "../headers.ts";
import type { UnaryHttp } from "../unary/http.ts";
import { LazyResponse, MuxedHeaders } from "../unary/response.ts";
import { checkSize } from "./client-method.ts";
import type { RestCallInit, RestClientOptions, RestMethod } from "./client-method.ts";

/** Makes a unary call that wants nothing unusual: no interceptors, no compression. */
export async function callPlain<I extends DescMessage, O extends DescMessage>(
  http: UnaryHttp,
  options: RestClientOptions,
  prepared: RestMethod,
  method: DescMethodUnary<I, O>,
  init: RestCallInit & { readonly message: MessageInitShape<I> },
): Promise<UnaryResponse<I, O>> {
  const { request, reader } = prepared.write(create(method.input, init.message));
  const body = request.body === undefined ? undefined : checkSize(request.body.bytes, options);
  const headers: OutgoingHttpHeaders = { accept: reader.accept, "user-agent": "connect-mesh" };
  const type = request.body?.contentType ?? "";
  if (type !== "") headers["content-type"] = type;
  const timeoutMs = positive(init.timeoutMs);
  if (timeoutMs !== undefined) headers["connect-timeout-ms"] = String(timeoutMs);
  if (init.header !== undefined) addOwnHeaders(headers, init.header);
  // Without a body there is nothing that a type could be of.
  if (type === "") delete headers["content-type"];
  const answer = await http({
    method: request.method,
    path: request.target,
    headers,
    body,
    timeoutMs,
    signal: init.signal,
    maxBytes: options.readMaxBytes,
    trailers: false,
  });
  const plain = answer.headers["content-encoding"] === undefined && request.method !== "HEAD";
  if (plain && answer.status === 200 && answer.headers["content-type"] === "application/json" && !reader.raw) {
    return new LazyResponse(method, reader.readBytes(answer.body) as MessageShape<O>, new MuxedHeaders(answer.headers));
  }
  const { message, header, trailer } = await reader.read(
    {
      status: answer.status,
      header: toWebHeaders(answer.headers),
      body: createAsyncIterable([answer.body]),
      trailer: new Headers(),
    },
    request.method,
  );
  return new LazyResponse(method, message as MessageShape<O>, { webHeaders: () => [header, trailer] });
}
