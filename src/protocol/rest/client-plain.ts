import { create } from "@bufbuild/protobuf";
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { UnaryResponse } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { positive } from "../connect/client-header.ts";
import { addOwnHeaders, indexOfName, toWebHeaders } from "../headers.ts";
import type { HttpAnswer, UnaryHttp } from "../unary/http.ts";
import { LazyResponse, MuxedHeaders } from "../unary/response.ts";
import { checkSize } from "./client-method.ts";
import type { RestCallInit, RestClientOptions, RestMethod } from "./client-method.ts";
import type { ResponseReader } from "./client-response.ts";

/** Makes a unary call that wants nothing unusual: no interceptors, no compression. Throws what cannot be sent. */
export function callPlain<I extends DescMessage, O extends DescMessage>(
  http: UnaryHttp,
  options: RestClientOptions,
  prepared: RestMethod,
  method: DescMethodUnary<I, O>,
  init: RestCallInit & { readonly message: MessageInitShape<I> },
): Promise<UnaryResponse<I, O>> {
  const { request, reader } = prepared.write(create(method.input, init.message));
  const body = request.body === undefined ? undefined : checkSize(request.body.bytes, options);
  // Without a body there is nothing that a type could be of: whatever the caller says, none is sent.
  const type = request.body?.contentType ?? "";
  const headers = ["accept", reader.accept, "user-agent", "connect-mesh", "content-type", type];
  const timeoutMs = positive(init.timeoutMs);
  if (timeoutMs !== undefined) headers.push("connect-timeout-ms", String(timeoutMs));
  if (init.header !== undefined) addOwnHeaders(headers, init.header);
  if (type === "") headers.splice(indexOfName(headers, "content-type"), 2);
  const call = {
    method: request.method,
    path: request.target,
    headers,
    body,
    timeoutMs,
    signal: init.signal,
    maxBytes: options.readMaxBytes,
    trailers: false,
  };
  return http(call, (answer) => {
    const { headers: sent, status } = answer;
    const plain = sent["content-encoding"] === undefined && request.method !== "HEAD";
    if (plain && status === 200 && sent["content-type"] === "application/json" && !reader.raw) {
      const message = reader.readBytes(answer.body) as MessageShape<O>;
      return new LazyResponse(method, message, new MuxedHeaders(sent));
    }
    return unusual(method, reader, request.method, answer);
  });
}

/** An error, or an answer that is more than JSON. */
async function unusual<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  reader: ResponseReader,
  httpMethod: string,
  { headers, status, body }: HttpAnswer,
): Promise<UnaryResponse<I, O>> {
  const whole = { status, header: toWebHeaders(headers), body: createAsyncIterable([body]), trailer: new Headers() };
  const { message, header, trailer } = await reader.read(whole, httpMethod);
  return new LazyResponse(method, message as MessageShape<O>, { webHeaders: () => [header, trailer] });
}
