import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { toWebHeaders } from "../headers.ts";
import { inboundOf } from "../inbound.ts";
import type { Inbound } from "../inbound.ts";
import { requestUrl } from "../request-url.ts";
import { Body, promised } from "./body.ts";
import type { UnaryAnswer } from "./form.ts";
import type { CallCounter } from "./running-calls.ts";
import type { UnaryCall, UnaryExchange } from "./server-call.ts";

/** A request of HTTP/1.1. */
export class Http1Exchange implements UnaryExchange {
  readonly headers: IncomingHttpHeaders;
  readonly requestMethod: string;
  readonly target: string;
  readonly inbound: Inbound;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #counter: CallCounter;
  readonly #closing: () => boolean;
  #call: UnaryCall | undefined;
  #failure: unknown;

  /**
   * @param counter counts the exchange until it is over
   * @param closing whether the connection should end with the answer
   */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    counter: CallCounter,
    closing: () => boolean,
  ) {
    this.headers = request.headers;
    this.requestMethod = request.method ?? "";
    this.target = request.url ?? "/";
    this.inbound = inboundOf(request.socket);
    this.#request = request;
    this.#response = response;
    this.#counter = counter;
    this.#closing = closing;
  }

  webHeaders(): Headers {
    return toWebHeaders(this.headers);
  }

  url(): string {
    const { socket } = this.#request;
    return requestUrl("encrypted" in socket && socket.encrypted === true, this.headers.host, this.target);
  }

  follow(call: UnaryCall): void {
    this.#call = call;
    this.#counter.begin();
    const failed = (error: unknown): void => {
      this.#failure = error;
    };
    this.#request.on("error", failed);
    this.#response.on("error", failed);
    this.#response.on("close", () => {
      this.#counter.end();
      call.gone(this.#failure);
    });
  }

  read(maxBytes: number): void {
    const call = this.#call;
    const request = this.#request;
    const length = promised(this.headers["content-length"]);
    if (length !== undefined && length > maxBytes) {
      call?.overflowed(length);
      // Reading on keeps the connection usable; what is sent is not looked at.
      request.resume();
      return;
    }
    const body = new Body(maxBytes);
    request.on("data", (chunk: Buffer) => {
      if (!body.add(chunk)) call?.overflowed();
    });
    request.on("end", () => {
      call?.received(body.whole());
    });
  }

  write({ status, headers, body }: UnaryAnswer): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (this.#closing()) headers["connection"] = "close";
    response.writeHead(status, headers);
    response.end(body);
    if (!this.#request.readableEnded) this.#request.resume();
  }

  break(): void {
    this.#response.destroy();
  }

  overdue(): void {
    // The listener looks after connections on which nothing moves.
  }
}
