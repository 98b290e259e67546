import type {
  DescMessage,
  DescMethodStreaming,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { StreamRequest, StreamResponse } from "@connectrpc/connect";
import {
  pipe,
  runStreamingCall,
  transformCompressEnvelope,
  transformDecompressEnvelope,
  transformJoinEnvelopes,
  transformParseEnvelope,
  transformSerializeEnvelope,
  transformSplitEnvelope,
} from "@connectrpc/connect/protocol";
import {
  createEndStreamSerialization,
  endStreamFlag,
  headerStreamAcceptEncoding,
  headerStreamEncoding,
} from "@connectrpc/connect/protocol-connect";
import type { EndStreamResponse } from "@connectrpc/connect/protocol-connect";
import { positive, requestHeader } from "./client-header.ts";
import { decompressor, statusError, unexpectedType } from "./client-response.ts";
import type { CallInit, ClientMethod, ConnectClientOptions } from "./client.ts";
import { codecOf, streamType } from "./content-type.ts";

const endStream = createEndStreamSerialization(undefined);

/** Makes one streaming call, in whichever directions it streams. */
export function callStream<I extends DescMessage, O extends DescMessage>(
  options: ConnectClientOptions,
  prepared: ClientMethod<I, O>,
  method: DescMethodStreaming<I, O>,
  init: CallInit & { readonly messages: AsyncIterable<MessageInitShape<I>> },
): Promise<StreamResponse<I, O>> {
  const timeoutMs = positive(init.timeoutMs);
  const header = requestHeader(
    init.header,
    streamType(prepared.codec),
    options.compression === undefined ? undefined : headerStreamAcceptEncoding,
    timeoutMs,
  );
  if (options.compression !== undefined) header.set(headerStreamEncoding, options.compression.name);
  return runStreamingCall<I, O>({
    interceptors: [...options.interceptors],
    ...(init.signal === undefined ? {} : { signal: init.signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    req: {
      stream: true,
      service: method.parent,
      method,
      requestMethod: "POST",
      url: prepared.url,
      header,
      contextValues: init.contextValues ?? createContextValues(),
      message: init.messages,
    },
    next: (req) => send(options, prepared, req),
  });
}

async function send<I extends DescMessage, O extends DescMessage>(
  options: ConnectClientOptions,
  prepared: ClientMethod<I, O>,
  req: StreamRequest<I, O>,
): Promise<StreamResponse<I, O>> {
  const response = await options.httpClient({
    url: req.url,
    method: "POST",
    header: req.header,
    signal: req.signal,
    body: pipe(
      req.message,
      transformSerializeEnvelope(prepared.input),
      transformCompressEnvelope(options.compression ?? null, options.compressMinBytes),
      transformJoinEnvelopes(),
      { propagateDownStreamError: true },
    ),
  });
  if (response.status !== 200) throw statusError(response);
  if (codecOf([prepared.codec], response.header.get("content-type"), streamType) === undefined) {
    throw unexpectedType(response.header, prepared.codec, streamType);
  }
  const trailer = new Headers();
  return {
    ...req,
    header: response.header,
    trailer,
    message: pipe(
      response.body,
      transformSplitEnvelope(options.readMaxBytes),
      transformDecompressEnvelope(
        decompressor(response.header, headerStreamEncoding) ?? null,
        options.readMaxBytes,
      ),
      transformParseEnvelope(prepared.output, endStreamFlag, endStream),
      (envelopes) => untilEnd<O>(envelopes, response.header, trailer),
      { propagateDownStreamError: true },
    ),
  };
}

/** The messages of an answer; its end brings the trailers, or the error. */
async function* untilEnd<O extends DescMessage>(
  envelopes: AsyncIterable<
    { value: MessageShape<O>; end: false } | { value: EndStreamResponse; end: true }
  >,
  header: Headers,
  trailer: Headers,
): AsyncGenerator<MessageShape<O>> {
  let ended = false;
  for await (const envelope of envelopes) {
    if (ended) {
      const what = envelope.end ? "a second end" : "a message after its end";
      throw new ConnectError(`protocol error: the stream has ${what}`, Code.InvalidArgument);
    }
    if (!envelope.end) {
      yield envelope.value;
      continue;
    }
    ended = true;
    const { error, metadata } = envelope.value;
    if (error !== undefined) {
      header.forEach((value, name) => {
        error.metadata.append(name, value);
      });
      throw error;
    }
    metadata.forEach((value, name) => {
      trailer.set(name, value);
    });
  }
  if (!ended) throw new ConnectError("protocol error: the stream has no end", Code.InvalidArgument);
}
