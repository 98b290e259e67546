import { constants } from "node:http2";
import type { ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from "node:http2";
import type { ConnectError } from "@connectrpc/connect";
import type { Http2Connection } from "../http2-connection.ts";
import type { SharedSession } from "../http2-session.ts";
import { resetError } from "../http2-error.ts";
import { unsent } from "../progress.ts";
import { resetStream } from "../reset-stream.ts";
import { Body, promised, tooLarge } from "./body.ts";
import { aborted, timedOut } from "./ended-early.ts";
import type { HttpAnswer, HttpRequest, UnaryHttp } from "./http.ts";

/** Where a stream keeps its exchange, so that all streams share their listeners. */
const exchangeOf: unique symbol = Symbol("exchange");

/** Where a stream keeps its session. */
const sessionOf: unique symbol = Symbol("session");

/** What is made of an answer. */
type Read<T> = (answer: HttpAnswer) => T | Promise<T>;

/** A stream that knows its exchange, until that is over. */
interface ExchangeStream extends ClientHttp2Stream {
  [exchangeOf]: Exchange | undefined;
  [sessionOf]: SharedSession;
}

/** Unary calls over an {@link Http2Connection}. */
export function http2Unary(connection: Http2Connection): UnaryHttp {
  return (request, read) => {
    const { headers, method, path, signal } = request;
    if (signal?.aborted === true) return Promise.reject(unsent(aborted(signal)));
    const { authority, scheme } = connection;
    headers.push(":method", method, ":path", path, ":scheme", scheme, ":authority", authority);
    try {
      const session = connection.free();
      if (session !== undefined) return exchange(begin(session, headers), request, read, performance.now());
    } catch (error) {
      return Promise.reject(error);
    }
    return connectFirst(connection, request, read);
  };
}

/** There is no connection yet: waiting for one counts as well. */
async function connectFirst<T>(
  connection: Http2Connection,
  request: HttpRequest,
  read: Read<T>,
): Promise<T> {
  const begun = performance.now();
  const { headers, signal, timeoutMs } = request;
  const deadline = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const signals = [signal, deadline].filter((one) => one !== undefined);
  let stream: ExchangeStream;
  try {
    stream = await connection.opened((session) => begin(session, headers), AbortSignal.any(signals));
  } catch (error) {
    if (signal?.aborted === true) throw unsent(aborted(signal));
    throw deadline?.aborted === true ? unsent(timedOut()) : error;
  }
  return exchange(stream, request, read, begun);
}

function begin(session: SharedSession, headers: readonly string[]): ExchangeStream {
  const stream = session.begin(headers) as ExchangeStream;
  stream[sessionOf] = session;
  stream.on("close", onClose);
  return stream;
}

function exchange<T>(
  stream: ExchangeStream,
  request: HttpRequest,
  read: Read<T>,
  begunMs: number,
): Promise<T> {
  return new Promise((resolve, reject) => {
    stream[exchangeOf] = new Exchange(stream, request, read, begunMs, resolve as (answer: unknown) => void, reject);
    stream.on("response", onResponse);
    if (request.trailers) stream.on("trailers", onTrailers);
    stream.on("data", onData);
    stream.on("end", onEnd);
    stream.on("error", onError);
    if (request.body !== undefined) stream.end(request.body);
    else if (!stream.writableEnded) stream.end();
  });
}

/** One request on its stream, until it is answered or fails. */
class Exchange implements HttpAnswer {
  headers: IncomingHttpHeaders = none;
  status = 0;
  trailers: IncomingHttpHeaders | undefined;
  body: Uint8Array = nothing;
  readonly #stream: ClientHttp2Stream;
  // A stream forgets its session before it tells how it ended.
  readonly #session: ClientHttp2Stream["session"];
  readonly #request: HttpRequest;
  readonly #received: Body;
  readonly #begunMs: number;
  readonly #read: Read<unknown>;
  readonly #resolve: (answer: unknown) => void;
  readonly #reject: (error: Error) => void;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #cancel: (() => void) | undefined;
  #settled = false;

  constructor(
    stream: ClientHttp2Stream,
    request: HttpRequest,
    read: Read<unknown>,
    begunMs: number,
    resolve: (answer: unknown) => void,
    reject: (error: Error) => void,
  ) {
    const { signal, timeoutMs } = request;
    this.#stream = stream;
    this.#session = stream.session;
    this.#request = request;
    this.#received = new Body(request.maxBytes);
    this.#begunMs = begunMs;
    this.#read = read;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs, this);
    if (signal !== undefined) {
      this.#cancel = (): void => {
        this.stop(aborted(signal));
      };
      signal.addEventListener("abort", this.#cancel, { once: true });
    }
  }

  add(chunk: Uint8Array): void {
    if (!this.#received.add(chunk)) this.stop(tooLarge(this.#request.maxBytes));
  }

  /** The other side says that this is all. */
  end(): void {
    // A reset with NO_ERROR may also cut an answer short: its length tells.
    if (this.#settled || this.status === 0 || this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    const length = promised(this.headers["content-length"]);
    if (length !== undefined && length !== this.#received.size) return;
    this.#settle();
    this.body = this.#received.whole();
    try {
      this.#resolve(this.#read(this));
    } catch (error) {
      this.#reject(error as Error);
    }
  }

  /** Nothing more will come. */
  closed(cause: unknown): void {
    if (this.#settled) return;
    const { timeoutMs } = this.#request;
    // Headers count in whole milliseconds.
    const over = timeoutMs !== undefined && performance.now() - this.#begunMs >= timeoutMs - 1;
    this.#settle();
    this.#reject(resetError(this.#stream, this.#session, cause, over));
  }

  /** Nobody wants the answer any more. */
  stop(error: ConnectError): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(error);
    // Not from within one of the session's callbacks: Node would send an end first.
    setImmediate(resetStream, this.#stream);
  }

  #settle(): void {
    this.#settled = true;
    // Node keeps its streams until the whole heap is collected: what they hold on to is moved about meanwhile.
    (this.#stream as ExchangeStream)[exchangeOf] = undefined;
    clearTimeout(this.#timer);
    if (this.#cancel !== undefined) this.#request.signal?.removeEventListener("abort", this.#cancel);
  }
}

const none: IncomingHttpHeaders = {};
const nothing = new Uint8Array(0);

function onResponse(this: ExchangeStream, headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
  const it = this[exchangeOf];
  if (it === undefined) return;
  it.headers = headers;
  it.status = headers[":status"] ?? 0;
}

function onTrailers(this: ExchangeStream, trailers: IncomingHttpHeaders): void {
  const it = this[exchangeOf];
  if (it !== undefined) it.trailers = trailers;
}

function onData(this: ExchangeStream, chunk: Uint8Array): void {
  this[exchangeOf]?.add(chunk);
}

function onEnd(this: ExchangeStream): void {
  this[exchangeOf]?.end();
}

function onError(this: ExchangeStream, cause: unknown): void {
  this[exchangeOf]?.closed(cause);
}

function onClose(this: ExchangeStream): void {
  this[sessionOf].ended();
  this[exchangeOf]?.closed(undefined);
}

function expire(of: Exchange): void {
  of.stop(timedOut());
}
