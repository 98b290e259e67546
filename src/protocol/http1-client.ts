import type { IncomingHttpHeaders } from "node:http";
import { EventEmitter } from "node:events";
import type {
  UniversalClientFn,
  UniversalClientRequest,
  UniversalClientResponse,
} from "@connectrpc/connect/protocol";
import { ByteQueue } from "./byte-queue.ts";
import { toHeaderList, toWebHeaders } from "./headers.ts";
import { Http1Call } from "./http1-call.ts";
import type { Http1Connections } from "./http1-connections.ts";
import { isDelimited, undelimited } from "./http1-end.ts";
import { Http1Upload } from "./http1-upload.ts";
import { endedUnsent } from "./keep-progress.ts";
import { aborted } from "./unary/ended-early.ts";

/**
 * An HTTP client for Connect's transports over {@link Http1Connections}. Its
 * errors tell how far the request had come.
 */
export function http1Client(connections: Http1Connections): UniversalClientFn {
  return (request) => {
    const { signal } = request;
    if (signal?.aborted === true) return Promise.reject(endedUnsent(signal));
    return new Promise((resolve, reject) => {
      new Exchange(connections, request, resolve, reject).send().catch(reject);
    });
  };
}

/** One request on its connection, until its answer has been read or it fails. */
class Exchange extends Http1Call {
  readonly #request: UniversalClientRequest;
  readonly #resolve: (response: UniversalClientResponse) => void;
  readonly #reject: (error: unknown) => void;
  /** What the body of the answer reads from. */
  readonly #source = Object.assign(new EventEmitter(), {
    pause: (): void => {
      this.pause();
    },
    resume: (): void => {
      this.resume();
    },
  });
  readonly #trailer = new Headers();
  readonly #upload: Http1Upload;
  #body: ByteQueue | undefined;

  constructor(
    connections: Http1Connections,
    request: UniversalClientRequest,
    resolve: (response: UniversalClientResponse) => void,
    reject: (error: unknown) => void,
  ) {
    super(connections);
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#upload = new Http1Upload(request.body);
  }

  /** Sends the request as soon as the first part of its body is there. Rejects only when the body itself throws. */
  async send(): Promise<void> {
    const { method, url, header, signal } = this.#request;
    signal?.addEventListener("abort", this.#aborted, { once: true });
    try {
      const body = await this.#upload.begin();
      if (signal?.aborted === true) return;
      this.dispatch({ method, path: url.slice(this.connections.origin.length), headers: toHeaderList(header), body });
    } catch (error) {
      this.failed(error);
    }
  }

  protected override begun(status: number, headers: IncomingHttpHeaders): void {
    const delimited = isDelimited(headers);
    this.#body = new ByteQueue(this.#source, {
      abandon: () => {
        this.cancel();
        this.#over();
      },
      complete: (received) => {
        if (delimited || received === 0) return true;
        this.failed(undelimited());
        return false;
      },
    });
    this.#resolve({ status, header: toWebHeaders(headers), body: this.#body, trailer: this.#trailer });
  }

  protected override received(chunk: Uint8Array): void {
    this.#source.emit("data", chunk);
  }

  protected override ended(trailers: IncomingHttpHeaders): void {
    toWebHeaders(trailers).forEach((value, name) => {
      this.#trailer.append(name, value);
    });
    this.#over();
    this.#source.emit("end");
  }

  protected override failed(error: unknown): void {
    // What the body of the request threw is what the caller should see.
    const failure = this.#upload.failure ?? error;
    this.#over();
    this.#body?.fail(failure);
    this.#reject(failure);
  }

  /** The signal also aborts when a call has ended well: then nobody listens any more, and the connection is kept. */
  readonly #aborted = (): void => {
    const { signal } = this.#request;
    if (signal === undefined) return;
    this.failed(this.sent ? aborted(signal) : endedUnsent(signal));
    this.cancel();
  };

  #over(): void {
    this.#request.signal?.removeEventListener("abort", this.#aborted);
    this.#upload.leave();
  }
}
