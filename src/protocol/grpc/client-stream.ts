import type { DescMessage, DescMethod, DescMethodStreaming, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import type { CallOptions, Interceptor, StreamRequest, StreamResponse, Transport } from "@connectrpc/connect";
import { createMethodUrl } from "@connectrpc/connect/protocol";
import type { Compression, UniversalClientFn } from "@connectrpc/connect/protocol";
import {
  requestHeaderWithCompression,
  validateResponseWithCompression,
  validateTrailer,
} from "@connectrpc/connect/protocol-grpc";
import type { Codec } from "../../codec/codec.ts";
import { compressions } from "../compression.ts";
import { positive } from "../connect/client-header.ts";
import { methodCodec } from "../connect/method-codec.ts";
import type { MessageLimits, MethodCodec } from "../connect/method-codec.ts";
import { headersOf } from "../headers.ts";
import { runStream } from "../stream/client-call.ts";
import { readMessages } from "../stream/read-messages.ts";
import { writeMessages } from "../stream/write-messages.ts";

/** Options of {@link grpcStream}. */
export interface GrpcClientOptions extends MessageLimits {
  /** The format of messages: protobuf or JSON. */
  readonly codec: Codec;
  /** Carries the requests. */
  readonly httpClient: UniversalClientFn;
  /** Scheme and authority of request URLs. */
  readonly baseUrl: string;
  /** Run around each call. */
  readonly interceptors: readonly Interceptor[];
  /** Compresses requests and asks for compressed answers; undefined for neither. */
  readonly compression: Compression | undefined;
  /** Smallest request message that is compressed, in bytes. */
  readonly compressMinBytes: number;
}

/** gRPC's streaming calls. */
export function grpcStream(options: GrpcClientOptions): Transport["stream"] {
  const compiled = new WeakMap<DescMethod, MethodCodec<DescMessage, DescMessage>>();
  const codecOf = <I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
  ): MethodCodec<I, O> => {
    let ready = compiled.get(method);
    if (ready === undefined) {
      ready = methodCodec<DescMessage, DescMessage>(options.codec, method, options);
      compiled.set(method, ready);
    }
    return ready;
  };
  const binary = options.codec.type === "proto";
  const accepted = options.compression === undefined ? [] : [...compressions];
  return async <I extends DescMessage, O extends DescMessage>(
      method: DescMethodStreaming<I, O>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      header: HeadersInit | undefined,
      messages: AsyncIterable<MessageInitShape<I>>,
      contextValues?: CallOptions["contextValues"],
    ): Promise<StreamResponse<I, O>> => {
      const limitMs = positive(timeoutMs);
      const { compression = null } = options;
      return runStream<I, O>({
        interceptors: options.interceptors,
        signal,
        timeoutMs: limitMs,
        request: {
          stream: true,
          service: method.parent,
          method,
          requestMethod: "POST",
          url: createMethodUrl(options.baseUrl, method),
          header: requestHeaderWithCompression(binary, limitMs, headersOf(header), accepted, compression),
          contextValues: contextValues ?? createContextValues(),
        },
        messages,
        send: (req) => send(options, codecOf(method), req),
      });
    };
}

async function send<I extends DescMessage, O extends DescMessage>(
  options: GrpcClientOptions,
  { input, output }: MethodCodec<I, O>,
  req: StreamRequest<I, O>,
): Promise<StreamResponse<I, O>> {
  const { url, header, signal } = req;
  const body = writeMessages(req.message, {
    serialize: (message) => input.serialize(message),
    compression: options.compression,
    compressMinBytes: options.compressMinBytes,
  });
  const response = await options.httpClient({ url, method: "POST", header, signal, body });
  const { compression, foundStatus, headerError } = validateResponseWithCompression(
    options.compression === undefined ? [] : [...compressions],
    response.status,
    response.header,
  );
  if (headerError !== undefined) throw headerError;
  const message = readMessages<MessageShape<O>>(response.body, {
    parse: (bytes) => output.parse(bytes),
    compression,
    maxBytes: options.readMaxBytes,
    done() {
      if (!foundStatus) validateTrailer(response.trailer, response.header);
    },
  });
  return { ...req, header: response.header, trailer: response.trailer, message };
}
