import { create } from "@bufbuild/protobuf";
import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { UnaryResponse } from "@connectrpc/connect";
import {
  codeFromHttpStatus,
  errorFromJsonBytes,
  headerUnaryEncoding,
  trailerDemux,
} from "@connectrpc/connect/protocol-connect";
import { addOwnHeaders, toWebHeaders } from "../headers.ts";
import type { HttpAnswer, UnaryHttp } from "../unary/http.ts";
import { LazyResponse, MuxedHeaders } from "../unary/response.ts";
import { positive } from "./client-header.ts";
import { decompressor, unexpectedType } from "./client-response.ts";
import type { CallInit, ClientMethod, ConnectClientOptions } from "./client.ts";
import { codecOf, unaryType } from "./content-type.ts";

/** Makes a unary call that wants nothing unusual: no interceptors, no compression, no GET. Throws what cannot be sent. */
export function callPlain<I extends DescMessage, O extends DescMessage>(
  http: UnaryHttp,
  options: ConnectClientOptions,
  prepared: ClientMethod<I, O>,
  method: DescMethodUnary<I, O>,
  init: CallInit & { readonly message: MessageInitShape<I> },
): Promise<UnaryResponse<I, O>> {
  const body = prepared.input.serialize(create(method.input, init.message));
  const { contentType } = prepared;
  const headers = ["content-type", contentType, "connect-protocol-version", "1", "user-agent", "connect-mesh"];
  const timeoutMs = positive(init.timeoutMs);
  if (timeoutMs !== undefined) headers.push("connect-timeout-ms", String(timeoutMs));
  if (init.header !== undefined) addOwnHeaders(headers, init.header);
  const { signal } = init;
  const maxBytes = options.readMaxBytes;
  const request = {
    method: "POST",
    path: prepared.path,
    headers,
    body,
    timeoutMs,
    signal,
    maxBytes,
    trailers: false,
  };
  return http(request, prepared.read);
}

/** Compiles how the answers of a method are read. */
export function plainReader<I extends DescMessage, O extends DescMessage>(
  options: ConnectClientOptions,
  prepared: Omit<ClientMethod<I, O>, "read">,
  method: DescMethodUnary<I, O>,
): ClientMethod<I, O>["read"] {
  return (answer) => {
    const { headers, status, body } = answer;
    const plain = headers["content-encoding"] === undefined;
    if (status === 200 && plain && headers["content-type"] === prepared.contentType) {
      const message = prepared.output.parse(body);
      return new LazyResponse(method, message, new MuxedHeaders(headers));
    }
    return unusual(options, prepared, method, answer);
  };
}

/** An error, or an answer that is right but written in an uncommon way. */
async function unusual<I extends DescMessage, O extends DescMessage>(
  options: ConnectClientOptions,
  prepared: Omit<ClientMethod<I, O>, "read">,
  method: DescMethodUnary<I, O>,
  answer: HttpAnswer,
): Promise<UnaryResponse<I, O>> {
  const all = toWebHeaders(answer.headers);
  const type = all.get("content-type");
  const isError = answer.status !== 200;
  const bare = new ConnectError(`HTTP ${answer.status}`, codeFromHttpStatus(answer.status), all);
  if (isError && !/^application\/json\b/i.test(type ?? "")) throw bare;
  if (!isError && codecOf([prepared.codec], type, unaryType) === undefined) {
    throw unexpectedType(all, prepared.codec, unaryType);
  }
  const compression = decompressor(all, headerUnaryEncoding);
  let body = answer.body as Uint8Array<ArrayBuffer>;
  if (compression !== undefined) body = await compression.decompress(body, options.readMaxBytes);
  const [header, trailer] = trailerDemux(all);
  if (isError) {
    const metadata = new Headers(header);
    trailer.forEach((value, name) => {
      metadata.append(name, value);
    });
    throw errorFromJsonBytes(body, metadata, bare);
  }
  const message = prepared.output.parse(body);
  return new LazyResponse(method, message, { webHeaders: () => [header, trailer] });
}
