import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Http1Connections, Http1Request } from "../http1-connections.ts";
import { isDelimited, lost, undelimited } from "../http1-end.ts";
import { Body, tooLarge } from "./body.ts";
import { aborted, timedOut } from "./ended-early.ts";
import type { HttpAnswer, HttpRequest, UnaryHttp } from "./http.ts";

/** Unary calls over {@link Http1Connections}. */
export function http1Unary(connections: Http1Connections): UnaryHttp {
  return (request, read) => {
    const { body, headers, method, path, signal } = request;
    if (signal?.aborted === true) return Promise.reject(aborted(signal));
    // Node adds neither of them to a list.
    headers.push("host", connections.host);
    if (body !== undefined) headers.push("content-length", `${body.byteLength}`);
    return new Promise((resolve, reject) => {
      // What cannot be sent rejects as well.
      const begun = connections.begin(method, path, headers);
      const finish = (answer: HttpAnswer): void => {
        try {
          resolve(read(answer));
        } catch (error) {
          reject(error);
        }
      };
      new Exchange(connections, begun, request, finish, reject).send();
    });
  };
}

/** One request on its connection, until it is answered or fails. */
class Exchange implements HttpAnswer {
  status = 0;
  headers: IncomingHttpHeaders = {};
  body: Uint8Array = new Uint8Array(0);
  readonly trailers = undefined;
  readonly #connections: Http1Connections;
  readonly #begun: Http1Request;
  readonly #request: HttpRequest;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: Error) => void;
  readonly #received: Body;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #cancel: (() => void) | undefined;
  #settled = false;

  constructor(
    connections: Http1Connections,
    begun: Http1Request,
    request: HttpRequest,
    resolve: (answer: HttpAnswer) => void,
    reject: (error: Error) => void,
  ) {
    const { signal, timeoutMs } = request;
    this.#connections = connections;
    this.#begun = begun;
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#received = new Body(request.maxBytes);
    this.#timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs, this);
    if (signal === undefined) return;
    this.#cancel = (): void => {
      this.stop(aborted(signal));
    };
    signal.addEventListener("abort", this.#cancel, { once: true });
  }

  /** Sends the request, which is complete. */
  send(): void {
    const { request } = this.#begun;
    let cause: unknown;
    request.on("error", (error) => {
      cause = error;
    });
    request.on("response", (response) => {
      this.#read(response);
    });
    request.on("close", () => {
      this.#closed(cause);
    });
    request.end(this.#request.body);
  }

  /** Nobody wants the answer any more. */
  stop(error: Error): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(error);
    this.#begun.cancel();
  }

  #read(response: IncomingMessage): void {
    response.on("error", () => {
      // The end of the request tells.
    });
    response.on("data", (chunk: Uint8Array) => {
      if (!this.#received.add(chunk)) this.stop(tooLarge(this.#request.maxBytes));
    });
    response.on("end", () => {
      this.#answered(response);
    });
  }

  #answered(response: IncomingMessage): void {
    if (this.#settled || !response.complete) return;
    const { headers, statusCode = 0 } = response;
    if (this.#received.size > 0 && !isDelimited(headers)) {
      this.stop(undelimited());
      return;
    }
    this.#settle();
    this.status = statusCode;
    this.headers = headers;
    this.body = this.#received.whole();
    this.#resolve(this);
  }

  /** Nothing more will come. */
  #closed(cause: unknown): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(this.#begun.progress() === "unsent" ? this.#connections.unreachable(cause) : lost(cause));
  }

  #settle(): void {
    this.#settled = true;
    clearTimeout(this.#timer);
    if (this.#cancel !== undefined) this.#request.signal?.removeEventListener("abort", this.#cancel);
  }
}

function expire(of: Exchange): void {
  of.stop(timedOut());
}
