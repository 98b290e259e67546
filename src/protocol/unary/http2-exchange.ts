import { constants } from "node:http2";
import { Duplex } from "node:stream";
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { finishStream } from "../finish-stream.ts";
import { toWebHeaders } from "../headers.ts";
import { inboundOf } from "../inbound.ts";
import type { Inbound } from "../inbound.ts";
import { requestUrl } from "../request-url.ts";
import { Body, promised } from "./body.ts";
import type { UnaryAnswer } from "./form.ts";
import type { CallCounter } from "./running-calls.ts";
import type { UnaryCall, UnaryExchange } from "./server-call.ts";

/** Where a stream keeps its exchange, so that all streams share their listeners. */
const exchangeOf: unique symbol = Symbol("exchange");

/** A stream that knows its exchange, until it has closed. */
interface ExchangeStream extends ServerHttp2Stream {
  [exchangeOf]: Http2Exchange | undefined;
}

/** A request on Node's own HTTP/2 streams, without the objects that make them look like HTTP/1.1. */
export class Http2Exchange implements UnaryExchange {
  readonly headers: IncomingHttpHeaders;
  readonly requestMethod: string;
  readonly target: string;
  readonly inbound: Inbound;
  readonly #stream: ServerHttp2Stream;
  readonly #counter: CallCounter;
  #call: UnaryCall | undefined;
  #body: Body | undefined;
  #trailers: OutgoingHttpHeaders | undefined;
  #failure: unknown;

  /** @param counter counts the exchange until its stream has closed */
  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, counter: CallCounter) {
    this.headers = headers;
    this.requestMethod = headers[":method"] ?? "";
    this.target = headers[":path"] ?? "/";
    // A stream that is gone already has no session any more.
    this.inbound = inboundOf(stream.session ?? stream);
    this.#stream = stream;
    this.#counter = counter;
  }

  webHeaders(): Headers {
    return toWebHeaders(this.headers);
  }

  url(): string {
    const { session } = this.#stream;
    return requestUrl(session?.encrypted === true, this.headers[":authority"], this.target);
  }

  follow(call: UnaryCall): void {
    const stream = this.#stream as ExchangeStream;
    this.#call = call;
    this.#counter.begin();
    this.inbound.open++;
    stream[exchangeOf] = this;
    stream.destroy = destroyWhenWritten;
    stream.on("error", onError);
    stream.on("close", onClose);
  }

  read(maxBytes: number): void {
    const stream = this.#stream;
    const length = promised(this.headers["content-length"]);
    if (length !== undefined && length > maxBytes) {
      this.#call?.overflowed(length);
      stream.resume();
      return;
    }
    this.#body = new Body(maxBytes);
    stream.on("data", onData);
    stream.on("end", onEnd);
  }

  write({ status, headers, body, trailers }: UnaryAnswer): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    this.inbound.chatter = 0;
    const head = headerList(status, headers);
    if (trailers === undefined) {
      stream.respond(head);
    } else {
      this.#trailers = trailers;
      stream.on("wantTrailers", onWantTrailers);
      stream.respond(head, waitForTrailers);
    }
    if (body === undefined) stream.end();
    else stream.end(body);
    if (!stream.readableEnded) finishStream(stream, trailers === undefined ? "finish" : "wantTrailers");
  }

  break(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  overdue(): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    // Node's own timer goes on for as long as anything is read.
    stream.setTimeout(this.inbound.slowAnswerMs, () => {
      stream.close(constants.NGHTTP2_CANCEL);
    });
  }

  add(chunk: Uint8Array): void {
    if (this.#body?.add(chunk) === false) this.#call?.overflowed();
  }

  end(): void {
    const stream = this.#stream;
    // Node ends a stream that was reset, or whose connection died, in the same way.
    if (stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    if (this.#body !== undefined) this.#call?.received(this.#body.whole());
  }

  sendTrailers(): void {
    if (this.#trailers !== undefined) this.#stream.sendTrailers(this.#trailers);
  }

  failed(error: unknown): void {
    this.#failure = error;
  }

  closed(): void {
    // Node keeps its streams until the whole heap is collected: what they hold on to is moved about meanwhile.
    (this.#stream as ExchangeStream)[exchangeOf] = undefined;
    this.#counter.end();
    this.inbound.end(this.#call?.gone(this.#failure) === true);
  }
}

const waitForTrailers = { waitForTrailers: true };

/** Status and headers as names and values in turn, which takes Node less work than an object. */
function headerList(status: number, headers: OutgoingHttpHeaders): string[] {
  const list = [":status", `${status}`];
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string") list.push(name, value);
    else if (typeof value === "number") list.push(name, `${value}`);
    else if (value !== undefined) for (const item of value) list.push(name, item);
  }
  return list;
}

/**
 * Node destroys a stream as soon as its last frame is handed to the connection,
 * a moment before it hears that the answer was written, and then makes an error
 * with a stack for nobody: a sixth of what a small call costs here. So a stream
 * that ended well waits for that moment.
 */
function destroyWhenWritten(this: ExchangeStream, error?: Error): ExchangeStream {
  const well = error === undefined && this.writableEnded && !this.writableFinished;
  if (well && this.rstCode === constants.NGHTTP2_NO_ERROR) setImmediate(destroyNow, this);
  else Duplex.prototype.destroy.call(this, error);
  return this;
}

function destroyNow(stream: ExchangeStream): void {
  Duplex.prototype.destroy.call(stream);
}

function onData(this: ExchangeStream, chunk: Uint8Array): void {
  this[exchangeOf]?.add(chunk);
}

function onEnd(this: ExchangeStream): void {
  this[exchangeOf]?.end();
}

function onWantTrailers(this: ExchangeStream): void {
  this[exchangeOf]?.sendTrailers();
}

function onError(this: ExchangeStream, error: unknown): void {
  this[exchangeOf]?.failed(error);
}

function onClose(this: ExchangeStream): void {
  this[exchangeOf]?.closed();
}
