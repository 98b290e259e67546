import type { IncomingHttpHeaders } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import { Http1Call } from "../http1-call.ts";
import type { Http1Connections } from "../http1-connections.ts";
import { isDelimited, undelimited } from "../http1-end.ts";
import { unsent } from "../progress.ts";
import { Body, tooLarge } from "./body.ts";
import { aborted, timedOut } from "./ended-early.ts";
import type { HttpAnswer, HttpRequest, UnaryHttp } from "./http.ts";

/** Unary calls over {@link Http1Connections}. */
export function http1Unary(connections: Http1Connections): UnaryHttp {
  return (request, read) => {
    const { signal } = request;
    if (signal?.aborted === true) return Promise.reject(unsent(aborted(signal)));
    return new Promise((resolve, reject) => {
      const finish = (answer: HttpAnswer): void => {
        try {
          resolve(read(answer));
        } catch (error) {
          reject(error);
        }
      };
      // What cannot be sent rejects as well.
      new Exchange(connections, request, finish, reject).send();
    });
  };
}

/** One request on its connection, until it is answered or fails. */
class Exchange extends Http1Call implements HttpAnswer {
  status = 0;
  headers: IncomingHttpHeaders = {};
  body: Uint8Array = new Uint8Array(0);
  readonly trailers = undefined;
  readonly #request: HttpRequest;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #body: Body;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #abort: (() => void) | undefined;
  #settled = false;

  constructor(
    connections: Http1Connections,
    request: HttpRequest,
    resolve: (answer: HttpAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    super(connections);
    const { signal, timeoutMs } = request;
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#body = new Body(request.maxBytes);
    this.#timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs, this);
    if (signal === undefined) return;
    this.#abort = (): void => {
      this.stop(aborted(signal));
    };
    signal.addEventListener("abort", this.#abort, { once: true });
  }

  /** Sends the request, which is complete. */
  send(): void {
    const { body, headers, method, path } = this.#request;
    try {
      this.dispatch({ method, path, headers, body: body ?? null });
    } catch (error) {
      this.failed(error);
    }
  }

  /** Nobody wants the answer any more. */
  stop(error: ConnectError): void {
    if (this.#settled) return;
    this.failed(this.sent ? error : unsent(error));
    this.cancel();
  }

  protected override begun(status: number, headers: IncomingHttpHeaders): void {
    this.status = status;
    this.headers = headers;
  }

  protected override received(chunk: Uint8Array): void {
    if (!this.#body.add(chunk)) this.stop(tooLarge(this.#request.maxBytes));
  }

  protected override ended(): void {
    if (this.#settled) return;
    if (this.#body.size > 0 && !isDelimited(this.headers)) {
      this.stop(undelimited());
      return;
    }
    this.#settle();
    this.body = this.#body.whole();
    this.#resolve(this);
  }

  protected override failed(error: unknown): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.#settled = true;
    clearTimeout(this.#timer);
    if (this.#abort !== undefined) this.#request.signal?.removeEventListener("abort", this.#abort);
  }
}

function expire(of: Exchange): void {
  of.stop(timedOut());
}
