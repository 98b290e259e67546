import type { DescMessage, DescMethodStreaming, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { StreamRequest, StreamResponse } from "@connectrpc/connect";
import {
  createEndStreamSerialization,
  endStreamFlag,
  headerStreamAcceptEncoding,
  headerStreamEncoding,
} from "@connectrpc/connect/protocol-connect";
import { runStream } from "../stream/client-call.ts";
import { readMessages } from "../stream/read-messages.ts";
import { writeMessages } from "../stream/write-messages.ts";
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
  return runStream<I, O>({
    interceptors: options.interceptors,
    signal: init.signal,
    timeoutMs,
    request: {
      stream: true,
      service: method.parent,
      method,
      requestMethod: "POST",
      url: prepared.url,
      header,
      contextValues: init.contextValues ?? createContextValues(),
    },
    messages: init.messages,
    send: (req) => send(options, prepared, req),
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
    body: writeMessages(req.message, {
      serialize: (message) => prepared.input.serialize(message),
      compression: options.compression,
      compressMinBytes: options.compressMinBytes,
    }),
  });
  const { header } = response;
  if (response.status !== 200) throw statusError(response);
  if (codecOf([prepared.codec], header.get("content-type"), streamType) === undefined) {
    throw unexpectedType(header, prepared.codec, streamType);
  }
  const trailer = new Headers();
  const message = readMessages<MessageShape<O>>(response.body, {
    parse: (bytes) => prepared.output.parse(bytes),
    compression: decompressor(header, headerStreamEncoding),
    maxBytes: options.readMaxBytes,
    endFlag: endStreamFlag,
    end(bytes) {
      const { error, metadata } = endStream.parse(bytes);
      if (error !== undefined) {
        header.forEach((value, name) => {
          error.metadata.append(name, value);
        });
        throw error;
      }
      metadata.forEach((value, name) => {
        trailer.set(name, value);
      });
    },
    done(ended) {
      if (!ended) throw new ConnectError("protocol error: the stream has no end", Code.InvalidArgument);
    },
  });
  return { ...req, header, trailer, message };
}
