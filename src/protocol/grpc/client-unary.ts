import { create } from "@bufbuild/protobuf";
import type { DescMessage, DescMethod, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Transport, UnaryResponse } from "@connectrpc/connect";
import {
  headerEncoding,
  headerGrpcStatus,
  validateResponse,
  validateTrailer,
} from "@connectrpc/connect/protocol-grpc";
import type { Codec } from "../../codec/codec.ts";
import { positive } from "../connect/client-header.ts";
import { methodCodec } from "../connect/method-codec.ts";
import type { MessageLimits, MethodCodec } from "../connect/method-codec.ts";
import { envelop, envelopeBytes, onlyMessage } from "../envelope.ts";
import { addOwnHeaders, toWebHeaders } from "../headers.ts";
import { grpcTimeout } from "../timeout.ts";
import type { HttpAnswer, UnaryHttp } from "../unary/http.ts";
import { LazyResponse } from "../unary/response.ts";
import type { HeaderSource } from "../unary/response.ts";

/** A method as the client calls it, worked out once. */
interface GrpcMethod<I extends DescMessage, O extends DescMessage> extends MethodCodec<I, O> {
  readonly path: string;
  readonly read: (answer: HttpAnswer) => UnaryResponse<I, O>;
}

/** Makes gRPC's unary calls that want nothing unusual, in one piece. */
export function grpcUnary(http: UnaryHttp, codec: Codec, limits: MessageLimits): Transport["unary"] {
  const contentType = `application/grpc+${codec.type}`;
  const prepared = new WeakMap<DescMethod, GrpcMethod<DescMessage, DescMessage>>();
  const prepare = <I extends DescMessage, O extends DescMessage>(method: DescMethodUnary<I, O>): GrpcMethod<I, O> => {
    let ready = prepared.get(method);
    if (ready === undefined) {
      const compiled = methodCodec<DescMessage, DescMessage>(codec, method, limits);
      ready = {
        ...compiled,
        path: `/${method.parent.typeName}/${method.name}`,
        read(answer) {
          const message = compiled.output.parse(messageOf(answer, contentType, limits));
          return new LazyResponse<DescMessage, DescMessage>(method, message, new AnswerHeaders(answer));
        },
      };
      prepared.set(method, ready);
    }
    // What was compiled for a method fits its types.
    return ready as unknown as GrpcMethod<I, O>;
  };
  return <I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    message: MessageInitShape<I>,
  ): Promise<UnaryResponse<I, O>> => {
    const { input, path, read } = prepare(method);
    const limitMs = positive(timeoutMs);
    const headers = ["content-type", contentType, "te", "trailers", "user-agent", "connect-mesh"];
    if (limitMs !== undefined) headers.push("grpc-timeout", grpcTimeout(limitMs));
    let body: Uint8Array;
    try {
      body = envelop(input.serialize(create(method.input, message)));
      if (header !== undefined) addOwnHeaders(headers, header);
    } catch (error) {
      // What cannot be sent.
      return Promise.reject(error);
    }
    const request = {
      method: "POST",
      path,
      headers,
      body,
      timeoutMs: limitMs,
      signal,
      maxBytes: limits.readMaxBytes + envelopeBytes,
      trailers: true,
    };
    return http(request, read);
  };
}

/** Headers and trailers of an answer that has both. */
class AnswerHeaders implements HeaderSource {
  readonly #answer: HttpAnswer;

  constructor(answer: HttpAnswer) {
    this.#answer = answer;
  }

  webHeaders(): readonly [header: Headers, trailer: Headers] {
    const { headers, trailers = {} } = this.#answer;
    return [toWebHeaders(headers), toWebHeaders(trailers)];
  }
}

/** The message of an answer without error. Throws the same errors as Connect's own client. */
function messageOf(answer: HttpAnswer, contentType: string, limits: MessageLimits): Uint8Array {
  const { status, headers, trailers, body } = answer;
  const usual =
    status === 200 &&
    headers["content-type"] === contentType &&
    headers["grpc-encoding"] === undefined &&
    trailers?.["grpc-status"] === "0";
  if (usual) {
    const bytes = onlyMessage(body, limits.readMaxBytes, "output");
    if (bytes !== undefined) return bytes;
    throw missing(Code.Unimplemented);
  }
  const header = toWebHeaders(headers);
  const trailer = toWebHeaders(trailers ?? {});
  const { headerError } = validateResponse(status, header);
  const encoding = header.get(headerEncoding);
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw new ConnectError(`the server answered with the encoding ${encoding}, which was not asked for`, Code.Internal, header);
  }
  const bytes = onlyMessage(body, limits.readMaxBytes, "output");
  validateTrailer(trailer, header);
  if (bytes === undefined) {
    throw headerError ?? missing(trailer.has(headerGrpcStatus) ? Code.Unimplemented : Code.Unknown);
  }
  if (headerError !== undefined) {
    throw new ConnectError("protocol error: received output message for unary method with error status", Code.Unknown);
  }
  return bytes;
}

function missing(code: Code): ConnectError {
  return new ConnectError("protocol error: missing output message for unary method", code);
}
