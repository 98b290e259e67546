import { createServer as createHttp1 } from "node:http";
import type { Server as Http1Server } from "node:http";
import { constants, createServer as createHttp2 } from "node:http2";
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import { sleep } from "../async/sleep.ts";
import { errorText, meshError } from "../error.ts";
import type { NodeRequest, NodeResponse } from "../protocol/node-handler.ts";
import { firstBytes } from "./first-bytes.ts";
import type { ListenOptions, ServerLimits } from "./options.ts";

/** Longest wait for the answer to a PING while draining, in milliseconds (grpc-go waits 5 s). */
const pingTimeoutMs = 1_000;

/** The largest stream id: a GOAWAY with it announces the end without refusing anything. */
const maxStreamId = 2 ** 31 - 1;

/**
 * One port for HTTP/1.1 and HTTP/2 without TLS: each connection goes to Node's
 * HTTP/1.1 or HTTP/2 server by its first bytes (RFC 9113, section 3.4).
 */
export class Listener {
  /** The server that listens. Fastify and Node's HTTP/1.1 see nothing unusual in it. */
  readonly server: Http1Server;
  readonly #http2: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<Socket>();
  /** Connections that have not said yet which protocol they speak. */
  readonly #undecided = new Set<Socket>();
  /** Whether new connections are turned away. */
  #refusing = false;

  /** @param server an HTTP/1.1 server to extend; made here when left out */
  constructor(
    onRequest: (req: NodeRequest, res: NodeResponse) => void,
    limits: ServerLimits,
    server: Http1Server = createHttp1(
      {
        maxHeaderSize: limits.maxHeaderBytes,
        headersTimeout: limits.headersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
      },
      onRequest,
    ),
  ) {
    this.server = server;
    this.#http2 = createHttp2(
      {
        maxHeaderListPairs: limits.maxHeaderPairs,
        settings: {
          maxConcurrentStreams: limits.maxConcurrentStreams,
          maxHeaderListSize: limits.maxHeaderBytes,
        },
      },
      onRequest,
    );
    this.#http2.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
      // Errors of a session end its streams; each call hears of that itself.
      session.on("error", () => {});
      // A preface without settings, and then nothing, is no HTTP/2 either.
      const silent = setTimeout(() => {
        session.destroy(undefined, constants.NGHTTP2_SETTINGS_TIMEOUT);
      }, limits.firstBytesTimeoutMs);
      const heard = (): void => {
        clearTimeout(silent);
      };
      session.once("remoteSettings", heard);
      session.once("close", heard);
    });
    this.#splitConnections(limits.firstBytesTimeoutMs);
  }

  /** Binds. Rejects with `LISTEN_FAILED` that names the address. */
  async listen(options: ListenOptions): Promise<void> {
    const { port = 0, host = "127.0.0.1", path } = options;
    const to = path ?? `${host}:${port}`;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        const hint =
          error.code === "EADDRINUSE"
            ? "something else listens there; stop it or choose another port (0 takes a free one)"
            : errorText(error);
        reject(
          meshError(Code.FailedPrecondition, "LISTEN_FAILED", `cannot listen on ${to}: ${hint}`, {
            metadata: { address: to },
            cause: error,
          }),
        );
      };
      this.server.once("error", failed);
      this.server.listen(path === undefined ? { port, host } : { path }, () => {
        this.server.off("error", failed);
        resolve();
      });
    });
  }

  /** What the server is bound to: an address, or the path of a unix socket. */
  get address(): AddressInfo | string | null {
    return this.server.address();
  }

  /**
   * Asks open connections to go, in the order that loses nothing: an
   * announcement, a round trip, then the end (RFC 9113, section 6.8). Resolves
   * when every session has been told.
   *
   * @param stop whether no more connections are accepted either
   */
  async drain(stop: boolean): Promise<void> {
    if (stop) this.#refuse();
    if (stop && this.server.listening) {
      this.server.close();
      this.server.closeIdleConnections();
    }
    await Promise.all([...this.#sessions].map((session) => announceEnd(session)));
  }

  /**
   * Lets a server go that something else closes, which waits for connections it
   * does not know of: what runs over HTTP/2 finishes, and nothing new begins.
   */
  release(): void {
    this.#refuse();
    for (const session of this.#sessions) session.close();
  }

  /** Ends all connections, whatever runs on them. */
  destroy(): void {
    for (const session of this.#sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL);
    this.server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
  }

  #refuse(): void {
    this.#refusing = true;
    for (const socket of this.#undecided) socket.destroy();
  }

  #splitConnections(timeoutMs: number): void {
    const http1 = this.server.listeners("connection");
    this.server.removeAllListeners("connection");
    this.server.on("connection", (socket: Socket) => {
      if (this.#refusing) {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      this.#undecided.add(socket);
      socket.once("close", () => {
        this.#sockets.delete(socket);
        this.#undecided.delete(socket);
      });
      firstBytes(socket, timeoutMs, (isHttp2) => {
        this.#undecided.delete(socket);
        if (isHttp2) {
          // HTTP/1.1 servers make half-open sockets; Node's HTTP/2 would never see them end.
          socket.allowHalfOpen = false;
          this.#http2.emit("connection", socket);
        } else for (const listener of http1) listener.call(this.server, socket);
      });
    });
  }
}

async function announceEnd(session: ServerHttp2Session): Promise<void> {
  if (session.destroyed || session.closed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, maxStreamId);
  const answered = new AbortController();
  const pinged = session.ping(() => {
    answered.abort();
  });
  if (pinged) await sleep(pingTimeoutMs, answered.signal);
  // Sends the last GOAWAY with the last stream that was taken, and waits for the rest.
  if (!session.destroyed) session.close();
}
