import type { IncomingHttpHeaders } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Dispatcher } from "undici";
import { errorText } from "../error.ts";
import type { Http1Connections } from "./http1-connections.ts";
import { lost } from "./lost.ts";
import { local } from "./progress.ts";

/** A request as it is sent. */
export interface Http1Request {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  /** One that is in one piece is sent with its length. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
}

/** Undici destroys what nobody wants any more with an error that nobody sees. */
const unwanted = new Error("nobody wants the answer any more");

/**
 * One request on one of {@link Http1Connections}, as undici tells of it. A
 * request that was written to a kept connection, which the server closed
 * meanwhile, counts as `sent`, since HTTP/1.1 cannot tell whether it was read
 * (RFC 9112, section 9.3.1).
 */
export abstract class Http1Call implements Dispatcher.DispatchHandler {
  protected readonly connections: Http1Connections;
  #controller: Dispatcher.DispatchController | undefined;
  #cancelled = false;

  constructor(connections: Http1Connections) {
    this.connections = connections;
  }

  /** The answer has begun. */
  protected abstract begun(status: number, headers: IncomingHttpHeaders): void;

  /** Bytes of its body have come. */
  protected abstract received(chunk: Uint8Array): void;

  /** The answer has come to its end. */
  protected abstract ended(trailers: IncomingHttpHeaders): void;

  /** Nothing more will come. Is not called after {@link cancel}. */
  protected abstract failed(error: unknown): void;

  /** Sends the request. Throws after the connections were closed. */
  protected dispatch(request: Http1Request): void {
    const pool = this.connections.pool();
    // Undici's types do not know that it takes iterables as well.
    const options = request as Dispatcher.DispatchOptions;
    if (pool instanceof Promise) {
      pool.then((opened) => opened.dispatch(options, this)).catch((error: unknown) => {
        this.#fail(error);
      });
    } else pool.dispatch(options, this);
  }

  /** Whether the request has been sent, or is just being sent. */
  protected get sent(): boolean {
    return this.#controller !== undefined;
  }

  /** Ends the request and its connection, because nobody wants the answer any more. */
  protected cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#controller?.abort(unwanted);
  }

  /** Takes no more of the answer for now. */
  pause(): void {
    this.#controller?.pause();
  }

  /** Takes the answer again. */
  resume(): void {
    this.#controller?.resume();
  }

  /** Undici is about to write the request. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#cancelled) controller.abort(unwanted);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Others only announce the answer.
    if (status >= 200) this.begun(status, headers);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (!this.#cancelled) this.received(chunk);
  }

  onResponseEnd(_: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (!this.#cancelled) this.ended(trailers);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #fail(error: unknown): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    if (isRefused(error)) this.failed(local(new ConnectError(errorText(error), Code.InvalidArgument)));
    else this.failed(this.sent ? lost(error) : this.connections.unreachable(error));
  }
}

/** Whether undici takes no such request, such as one with a header that it sets itself. */
function isRefused(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error)) return false;
  return error.code === "UND_ERR_INVALID_ARG" || error.code === "UND_ERR_NOT_SUPPORTED";
}
