import { create } from "@bufbuild/protobuf";
import type { DescMessage, DescMethodStreaming, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { StreamRequest, StreamResponse } from "@connectrpc/connect";
import { createAsyncIterable, runStreamingCall } from "@connectrpc/connect/protocol";
import type { UniversalClientRequest } from "@connectrpc/connect/protocol";
import { errorText } from "../../error.ts";
import { positive } from "../connect/client-header.ts";
import { local } from "../progress.ts";
import { callHeader, checkSize, describe } from "./client-method.ts";
import type { RestCallInit, RestClientOptions, RestExchange, RestMethod } from "./client-method.ts";

/** Makes one call that streams in one direction. */
export function callStream<I extends DescMessage, O extends DescMessage>(
  options: RestClientOptions,
  prepared: RestMethod,
  method: DescMethodStreaming<I, O>,
  init: RestCallInit & { readonly messages: AsyncIterable<MessageInitShape<I>> },
): Promise<StreamResponse<I, O>> {
  const timeoutMs = positive(init.timeoutMs);
  return runStreamingCall<I, O>({
    interceptors: [...options.interceptors],
    ...(init.signal === undefined ? {} : { signal: init.signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    req: {
      stream: true,
      service: method.parent,
      method,
      requestMethod: prepared.httpMethod,
      url: prepared.url,
      header: callHeader(init, options, timeoutMs),
      contextValues: init.contextValues ?? createContextValues(),
      message: init.messages,
    },
    next: (req) => send(options, prepared, req),
  });
}

async function send<I extends DescMessage, O extends DescMessage>(
  options: RestClientOptions,
  prepared: RestMethod,
  req: StreamRequest<I, O>,
): Promise<StreamResponse<I, O>> {
  await options.ready?.(req.signal);
  const messages: AsyncIterator<Message> = req.message[Symbol.asyncIterator]();
  // The first message tells the path.
  const first = await ownNext(messages, req.signal);
  const exchange = prepared.write(first.done === true ? create(req.method.input) : first.value);
  describe(req.header, exchange);
  const { request, reader } = exchange;
  const uploads = req.method.methodKind === "client_streaming";
  const body = uploads
    ? upload(first, messages, exchange, options)
    : await single(request.body?.bytes, messages, req.signal, options);
  const response = await options.httpClient({
    url: `${options.baseUrl}${request.target}`,
    method: request.method,
    header: req.header,
    signal: req.signal,
    ...(body === undefined ? {} : { body }),
  });
  if (!uploads) {
    const answers = (await reader.stream(response)) as AsyncIterable<MessageShape<O>>;
    return { ...req, header: response.header, trailer: response.trailer, message: answers };
  }
  const { message, header, trailer } = await reader.read(response, request.method);
  return { ...req, header, trailer, message: createAsyncIterable([message as MessageShape<O>]) };
}

/** The caller's next message, before anything was sent. */
async function ownNext(messages: AsyncIterator<Message>, signal: AbortSignal): Promise<IteratorResult<Message, unknown>> {
  try {
    return await messages.next();
  } catch (error) {
    throw signal.aborted ? error : local(error);
  }
}

/** The body of a server stream's only message. */
async function single(
  bytes: Uint8Array | undefined,
  messages: AsyncIterator<Message>,
  signal: AbortSignal,
  options: RestClientOptions,
): Promise<UniversalClientRequest["body"]> {
  if ((await ownNext(messages, signal)).done !== true) {
    throw local(new ConnectError("a method that streams from the server takes one message", Code.InvalidArgument));
  }
  return bytes === undefined ? undefined : createAsyncIterable([checkSize(bytes, options)]);
}

/** The body of a client stream. */
async function* upload(
  first: IteratorResult<Message, unknown>,
  messages: AsyncIterator<Message>,
  { writer, request }: RestExchange,
  options: RestClientOptions,
): AsyncGenerator<Uint8Array> {
  let complete = first.done === true;
  try {
    if (first.done === true) return;
    if (request.body !== undefined) yield checkSize(request.body.bytes, options);
    for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
      const bytes = more(() => writer.more(next.value));
      yield checkSize(bytes, options);
    }
    complete = true;
  } finally {
    if (!complete) void messages.return?.();
  }
}

function more(write: () => Uint8Array | string): Uint8Array {
  let written: Uint8Array | string;
  try {
    written = write();
  } catch (error) {
    written = errorText(error);
  }
  if (typeof written !== "string") return written;
  throw new ConnectError(`no http rule can carry this message of the stream: ${written}`, Code.InvalidArgument);
}
