import type { IncomingHttpHeaders } from "node:http";
import type { DescMessage, DescMethodUnary, DescService, MessageShape } from "@bufbuild/protobuf";
import type { UnaryResponse } from "@connectrpc/connect";
import { trailerDemux } from "@connectrpc/connect/protocol-connect";
import { toWebHeaders } from "../headers.ts";

/**
 * The answer of a unary call whose headers are made when somebody asks: most
 * callers only want the message.
 */
export class LazyResponse<I extends DescMessage, O extends DescMessage> implements UnaryResponse<I, O> {
  readonly stream = false;
  readonly service: DescService;
  readonly method: DescMethodUnary<I, O>;
  readonly message: MessageShape<O>;
  readonly #source: HeaderSource;
  #made: readonly [header: Headers, trailer: Headers] | undefined;

  constructor(method: DescMethodUnary<I, O>, message: MessageShape<O>, source: HeaderSource) {
    this.service = method.parent;
    this.method = method;
    this.message = message;
    this.#source = source;
  }

  get header(): Headers {
    return (this.#made ??= this.#source.webHeaders())[0];
  }

  get trailer(): Headers {
    return (this.#made ??= this.#source.webHeaders())[1];
  }
}

/** What headers and trailers are made of. */
export interface HeaderSource {
  /** Makes both. Called once at most. */
  webHeaders(): readonly [header: Headers, trailer: Headers];
}

/** Headers with trailers among them, as answers without trailers of HTTP have them. */
export class MuxedHeaders implements HeaderSource {
  readonly #headers: IncomingHttpHeaders;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  webHeaders(): readonly [header: Headers, trailer: Headers] {
    return trailerDemux(toWebHeaders(this.#headers));
  }
}

/** The same answer as an object that may be copied by its properties, as interceptors do. */
export function plainResponse<I extends DescMessage, O extends DescMessage>(
  answer: UnaryResponse<I, O>,
): UnaryResponse<I, O> {
  const { stream, service, method, header, trailer, message } = answer;
  return { stream, service, method, header, trailer, message };
}
