import { connect as connectHttp2, constants } from "node:http2";
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  OutgoingHttpHeaders,
} from "node:http2";
import type { ConnectionOptions } from "node:tls";
import { unlessAborted } from "../async/unless-aborted.ts";
import { errorText } from "../error.ts";
import { http2Socket } from "./http2-socket.ts";
import { connectionError } from "./progress.ts";

/** Options of an {@link Http2Connection}. */
export interface Http2ConnectionOptions {
  /** How long connecting may take, settings included, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** TLS settings for `https:` addresses. */
  readonly tls?: ConnectionOptions | undefined;
  /** Called when the connection could not be made, broke, or is being ended by the other side. */
  readonly onLost: (error: unknown) => void;
  /** Ends all streams and connections at once when it aborts. */
  readonly cut?: AbortSignal | undefined;
}

/**
 * At most one HTTP/2 session to an address, connected with the first request
 * and again after it was lost. Idle sessions do not keep the process alive.
 */
export class Http2Connection {
  /** The scheme and authority of request URLs. */
  readonly origin: string;
  readonly #address: string;
  readonly #options: Http2ConnectionOptions;
  readonly #sessions: Set<ClientHttp2Session> = new Set();
  #session: ClientHttp2Session | undefined;
  #connecting: Promise<ClientHttp2Session> | undefined;
  readonly #streamClosed = (): void => {
    if (--this.#streams === 0) this.#rest();
  };
  #streams = 0;
  #closed = false;

  /** @param address `http://host:port`, `https://host:port` or `unix:/path` */
  constructor(address: string, options: Http2ConnectionOptions) {
    this.#address = address;
    this.#options = options;
    this.origin = address.startsWith("unix:") ? "http://localhost" : new URL(address).origin;
  }

  /**
   * Connects unless connected. Rejects with an `unsent` connection error. The
   * signal only ends this caller's wait.
   */
  async ready(signal?: AbortSignal): Promise<void> {
    await this.#ready(signal);
  }

  /** Opens a stream if there is a connection, else returns undefined. Throws an `unsent` connection error. */
  open(headers: OutgoingHttpHeaders): ClientHttp2Stream | undefined {
    const session = this.#session;
    if (this.#closed || session === undefined || session.closed || session.destroyed) return undefined;
    return this.#request(session, headers);
  }

  /** Opens a stream, once there is a connection. Rejects with an `unsent` connection error when it cannot. */
  async opened(headers: OutgoingHttpHeaders, signal?: AbortSignal): Promise<ClientHttp2Stream> {
    return this.#request(await this.#ready(signal), headers);
  }

  /** Lets running streams finish, then closes. New requests fail. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      [...this.#sessions].map((session) => new Promise<void>((resolve) => {
        session.once("close", resolve);
        session.close();
      })),
    );
  }

  #request(session: ClientHttp2Session, headers: OutgoingHttpHeaders): ClientHttp2Stream {
    try {
      const stream = session.request(headers);
      if (this.#streams++ === 0) session.ref();
      stream.on("close", this.#streamClosed);
      return stream;
    } catch (error) {
      throw connectionError(
        `the connection to ${this.#address} was closed before the request was sent`,
        "unsent",
        error,
      );
    }
  }

  #ready(signal: AbortSignal | undefined): Promise<ClientHttp2Session> {
    if (this.#closed) {
      return Promise.reject(
        connectionError(`the connection to ${this.#address} is closed`, "unsent"),
      );
    }
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) {
      return Promise.resolve(this.#session);
    }
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return signal === undefined ? this.#connecting : unlessAborted(this.#connecting, signal);
  }

  #connect(): Promise<ClientHttp2Session> {
    return new Promise((resolve, reject) => {
      const session = connectHttp2(this.origin, {
        settings: { enablePush: false },
        createConnection: () => http2Socket(this.#address, this.#options.tls),
      });
      this.#sessions.add(session);
      const cut = (): void => {
        // With an error: without one, Node ends the streams as if they were complete.
        session.destroy(new Error("the connection was closed on this side"));
      };
      this.#options.cut?.addEventListener("abort", cut, { once: true });
      let cause: unknown;
      const timer = setTimeout(() => {
        cause = new Error(`no HTTP/2 settings within ${this.#options.connectTimeoutMs} ms`);
        session.destroy(cause as Error);
      }, this.#options.connectTimeoutMs);
      // Only the other side's settings prove that something speaks HTTP/2 there
      // (grpc/doc/connection-backoff.md): a stopped process still accepts TCP.
      session.once("remoteSettings", () => {
        clearTimeout(timer);
        this.#session = session;
        // Streams of an older session may still run.
        if (this.#streams === 0) session.unref();
        resolve(session);
      });
      session.on("error", (error) => {
        cause = error;
      });
      session.on("goaway", (code) => {
        this.#lose(session, new Error(`the server sent GOAWAY (code ${code})`));
      });
      session.once("close", () => {
        clearTimeout(timer);
        this.#options.cut?.removeEventListener("abort", cut);
        this.#sessions.delete(session);
        cause ??= new Error("the connection was closed");
        if (session !== this.#session && !this.#closed) {
          this.#options.onLost(cause);
        }
        this.#lose(session, cause);
        reject(
          connectionError(`cannot connect to ${this.#address}: ${errorText(cause)}`, "unsent", cause),
        );
      });
    });
  }

  #lose(session: ClientHttp2Session, error: unknown): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    if (!this.#closed) this.#options.onLost(error);
  }

  #rest(): void {
    for (const session of this.#sessions) if (!session.destroyed) session.unref();
  }
}

/** The pseudo-headers of a request. */
export function requestHeaders(method: string, path: string): OutgoingHttpHeaders {
  return { [constants.HTTP2_HEADER_METHOD]: method, [constants.HTTP2_HEADER_PATH]: path };
}
