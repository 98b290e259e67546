import { connect as connectHttp2, constants } from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { explainEnd, http2Socket } from "./http2-socket.ts";
import type { Http2ConnectionOptions } from "./http2-connection.ts";
import { streamWindowBytes, widenWindow } from "./http2-windows.ts";
import { Keepalive } from "./keepalive.ts";
import type { KeepaliveOptions } from "./keepalive.ts";
import { CutOff } from "./lost.ts";
import { connectionError, local } from "./progress.ts";

/**
 * Memory that a session may use, in megabytes. Node counts what this side sends
 * as well, and resets answers beyond: its default of 10 is too little for 256
 * requests of 64 kB. What comes in is bounded message by message.
 */
const maxSessionMemory = 1_000;

/** Headers by name, or names and values in turn, which takes Node less work. */
export type RequestHeaders = OutgoingHttpHeaders | readonly string[];

/** What a {@link SharedSession} tells its owner. */
export interface SessionEvents {
  /** The other side's settings came for the first time: requests can be made. */
  readonly ready: (session: SharedSession) => void;
  /** No more requests should be made: the other side says so, perhaps because it was asked for too many PINGs. */
  readonly leaving: (session: SharedSession, cause: unknown, tooManyPings: boolean) => void;
  /** The connection is gone, or could not be made. Called once, last. */
  readonly gone: (session: SharedSession, cause: unknown) => void;
}

/** One HTTP/2 session of a client, shared by all its calls. Idle sessions do not keep the process alive. */
export class SharedSession {
  /** Requests that are open. */
  streams = 0;
  /** How many the other side lets be open. */
  maxStreams = 0;
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #keepalive: Keepalive;
  #cause: unknown;
  #used = false;
  #closing = false;
  readonly #address: string;
  readonly #ended = (): void => {
    this.ended();
  };

  /** Begins to connect. @param origin scheme and authority of request URLs */
  constructor(
    address: string,
    origin: string,
    options: Http2ConnectionOptions,
    keepalive: KeepaliveOptions,
    events: SessionEvents,
  ) {
    const { connectTimeoutMs, cut } = options;
    const socket = http2Socket(address, options.tls);
    const session = connectHttp2(origin, {
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
      maxSessionMemory,
      createConnection: () => socket,
    });
    this.#address = address;
    this.#session = session;
    this.#socket = socket;
    const busy = (): boolean => this.streams > 0;
    const dead = (error: Error): void => {
      this.destroy(error);
    };
    this.#keepalive = new Keepalive({ ...keepalive, session, socket, busy, dead }, performance.now());
    const cutOff = (): void => {
      // With an error: without one, Node ends the streams as if they were complete.
      this.destroy(new CutOff());
    };
    cut?.addEventListener("abort", cutOff, { once: true });
    const timer = setTimeout(() => {
      this.destroy(silence(connectTimeoutMs));
    }, connectTimeoutMs);
    // Only the other side's settings prove that something speaks HTTP/2 there
    // (grpc/doc/connection-backoff.md): a stopped process still accepts TCP.
    let heard = false;
    session.once("connect", () => {
      widenWindow(session);
    });
    session.once("remoteSettings", () => {
      heard = true;
      clearTimeout(timer);
      if (this.streams === 0) session.unref();
      events.ready(this);
    });
    session.on("remoteSettings", ({ maxConcurrentStreams }) => {
      this.maxStreams = maxConcurrentStreams ?? Infinity;
    });
    session.on("error", (error) => {
      this.#cause ??= error;
    });
    session.on("goaway", (code, _lastStreamId, data) => {
      const text = data === undefined ? "" : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
      const tooManyPings = code === constants.NGHTTP2_ENHANCE_YOUR_CALM && text === "too_many_pings";
      const cause = new Error(`the server sent GOAWAY (code ${code}${text === "" ? "" : `, ${text}`})`);
      events.leaving(this, cause, tooManyPings);
    });
    session.once("close", () => {
      clearTimeout(timer);
      cut?.removeEventListener("abort", cutOff);
      // One that this side closed tells nothing of the other.
      if (!heard && !this.#closing) this.#cause = explainEnd(socket, options.tls, this.#cause);
      events.gone(this, (this.#cause ??= new Error("the connection was closed")));
    });
  }

  /** Whether requests can be made. */
  get usable(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** Whether one more request would have to wait for another to end. */
  get full(): boolean {
    return this.streams >= this.maxStreams;
  }

  /** Opens a stream. Throws an `unsent` connection error when the session has just died, and `invalid_argument` for headers that HTTP/2 does not allow. */
  request(headers: RequestHeaders): ClientHttp2Stream {
    return this.begin(headers).on("close", this.#ended);
  }

  /** The same for whoever listens to the stream's end in any case: {@link ended} must follow it. */
  begin(headers: RequestHeaders): ClientHttp2Stream {
    const session = this.#session;
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(headers);
    } catch (error) {
      // Of a connection that is gone it says something else.
      if (error instanceof TypeError) throw local(new ConnectError(error.message, Code.InvalidArgument, undefined, undefined, error));
      const text = `the connection to ${this.#address} was closed before the request was sent`;
      throw connectionError(text, "unsent", error);
    }
    this.#used = true;
    if (this.streams++ === 0) session.ref();
    return stream;
  }

  /** A stream has closed. */
  ended(): void {
    if (--this.streams === 0 && !this.#session.destroyed) this.#session.unref();
  }

  /** Looks after a silent other side; see {@link Keepalive.check}. */
  check(nowMs: number): void {
    if (!this.#session.destroyed) this.#keepalive.check(nowMs);
  }

  /** Asks the other side whether it is still there; see {@link Keepalive.doubt}. One that connects has its own time for that. */
  doubt(): void {
    const { connecting, destroyed } = this.#session;
    if (!connecting && !destroyed) this.#keepalive.doubt(performance.now());
  }

  /** Whether nothing was requested since the last time somebody asked, and nothing runs. */
  rested(): boolean {
    const used = this.#used || this.streams > 0;
    this.#used = false;
    return !used;
  }

  /** Lets running streams finish, then closes. */
  close(): Promise<void> {
    this.#closing = true;
    return new Promise((resolve) => {
      if (this.#session.destroyed && this.#socket.destroyed) {
        resolve();
        return;
      }
      this.#session.once("close", resolve);
      this.#session.close();
    });
  }

  /** Ends everything at once, whatever the other side does. */
  destroy(error: Error): void {
    this.#cause ??= error;
    this.#session.destroy(error);
    // A session that was closing waits for the other side, which may be gone.
    this.#socket.destroy();
  }
}

/** The error of another side that did not say in time that it speaks HTTP/2. */
function silence(timeoutMs: number): Error {
  return new Error(
    `no HTTP/2 settings within ${timeoutMs} ms; see whether the instance still runs, speaks HTTP/2 (if not, use a ` +
      'channel with httpVersion "1.1") and is not behind a firewall that drops what goes there, or set a longer connectTimeoutMs',
  );
}
