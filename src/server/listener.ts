import type { EventEmitter } from "node:events";
import { createServer as createHttp2 } from "node:http2";
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { TLSSocket } from "node:tls";
import { Code } from "@connectrpc/connect";
import { errorText, meshError } from "../error.ts";
import { streamWindowBytes, widenWindow } from "../protocol/http2-windows.ts";
import type { NodeRequest, NodeResponse } from "../protocol/node-handler.ts";
import { Connections } from "./connections.ts";
import { firstBytes } from "./first-bytes.ts";
import { http1Server, secureContext } from "./http1-server.ts";
import type { Http1Server } from "./http1-server.ts";
import type { ListenOptions, ServerLimits } from "./options.ts";
import { ServerTls } from "./server-tls.ts";
import { Sessions } from "./sessions.ts";
import { SlowReaders } from "./slow-readers.ts";

/** Longest pause between two looks at all connections, in milliseconds. */
const maxPeriodMs = 5_000;

/** Memory of a session that each of its streams may use, in bytes: Node refuses new streams beyond. */
const streamBytes = 1024 * 1024;

/**
 * Node's own limit of resets, far above what callers can do: it counts every
 * reset of a connection, also of those that hedge or have impatient users, and
 * ends what else runs there without a warning. It guards against rapid resets
 * (CVE-2023-44487), whose harm is the handlers that start: those are counted
 * here, by `maxConnectionCalls`, and so are resets, by `maxStreamResets`. What is
 * left to Node are resets of requests that are over, which cost next to nothing.
 */
const nodeResets = { streamResetBurst: 1_000_000, streamResetRate: 100_000 };

/** Takes a request over HTTP/2 and returns true, or leaves it to the compatible API. */
export type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;

/** What a {@link Listener} listens with. */
export interface ListenerOptions {
  /** An HTTP/1.1 server to extend. Default: one of its own. */
  readonly server?: Http1Server | undefined;
  /** Asked first about each request over HTTP/2. Default: none is taken. */
  readonly onStream?: OnStream | undefined;
  /** TLS of its own server. Default none. */
  readonly tls?: ListenOptions["tls"];
}

/**
 * One port for HTTP/1.1 and HTTP/2: each connection goes to Node's HTTP/1.1 or
 * HTTP/2 server, without TLS by its first bytes (RFC 9113, section 3.4), with
 * TLS by what the handshake agreed on (ALPN, section 3.2).
 */
export class Listener {
  /** The server that listens. Fastify and Node's HTTP/1.1 see nothing unusual in it. */
  readonly server: Http1Server;
  readonly #http2: Http2Server;
  readonly #sessions: Sessions;
  readonly #slow: SlowReaders;
  readonly #connections: Connections;
  /** Connections that have not said yet which protocol they speak. */
  readonly #undecided = new Set<Socket>();
  /** Whether new connections are turned away. */
  #refusing = false;
  #timer: NodeJS.Timeout | undefined;
  #endRenewals: () => void = () => {};

  /** Throws a configuration error for TLS options that cannot work. */
  constructor(
    onRequest: (req: NodeRequest, res: NodeResponse) => void,
    limits: ServerLimits,
    { server, tls, onStream }: ListenerOptions = {},
  ) {
    this.server = server ?? http1Server(onRequest, limits, tls instanceof ServerTls ? tls.options : tls);
    if (tls instanceof ServerTls) this.#followRenewals(tls);
    this.#sessions = new Sessions(limits);
    this.#slow = new SlowReaders(limits.slowAnswerTimeoutMs);
    this.#connections = new Connections(limits);
    this.#http2 = createHttp2(
      {
        maxHeaderListPairs: limits.maxHeaderPairs,
        maxSessionMemory: sessionMegabytes(limits),
        ...nodeResets,
        settings: {
          initialWindowSize: streamWindowBytes,
          maxConcurrentStreams: limits.maxConcurrentStreams,
          maxHeaderListSize: limits.maxHeaderBytes,
        },
      },
      onRequest,
    );
    // Node's own listener makes the objects of the compatible API.
    const compatible = takeListeners(this.#http2, "stream");
    this.#http2.on("stream", (stream, headers, ...rest) => {
      if (this.#sessions.refuses(stream) || onStream?.(stream, headers) === true) return;
      this.#sessions.follow(stream);
      compatible(stream, headers, ...rest);
    });
    this.#http2.on("session", (session) => {
      widenWindow(session);
      this.#sessions.add(session);
    });
    const periodMs = Math.max(10, Math.min(maxPeriodMs, this.#sessions.periodMs, this.#slow.periodMs));
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.#sessions.check(nowMs);
      this.#slow.check();
    }, periodMs).unref();
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
    await this.#sessions.drain();
  }

  /**
   * Lets a server go that something else closes, which waits for connections it
   * does not know of: what runs over HTTP/2 finishes, and nothing new begins.
   */
  release(): void {
    this.#refuse();
    clearInterval(this.#timer);
    this.#sessions.close();
  }

  /** Ends all connections, whatever runs on them. */
  destroy(): void {
    clearInterval(this.#timer);
    this.#endRenewals();
    this.#sessions.destroy();
    this.server.closeAllConnections();
    this.#connections.destroy();
  }

  #refuse(): void {
    this.#refusing = true;
    for (const socket of this.#undecided) socket.destroy();
  }

  #followRenewals(tls: ServerTls): void {
    const { server } = this;
    if (!(server instanceof TlsServer)) return;
    this.#endRenewals = tls.follow((options) => {
      server.setSecureContext(secureContext(options));
    });
  }

  #splitConnections(timeoutMs: number): void {
    const { server } = this;
    if (server instanceof TlsServer) {
      // A TLS socket does not tell which socket is below it; its other end does.
      const handshakes = new Map<string, Socket>();
      const handshake = takeListeners(server, "connection");
      server.on("connection", (socket: Socket) => {
        if (!this.#accept(socket)) return;
        const end = otherEnd(socket);
        handshakes.set(end, socket);
        socket.once("close", () => handshakes.delete(end));
        handshake(socket);
      });
      const http1 = takeListeners(server, "secureConnection");
      server.on("secureConnection", (socket: TLSSocket) => {
        const below = handshakes.get(otherEnd(socket));
        if (below !== undefined) this.#undecided.delete(below);
        this.#decide(socket, socket.alpnProtocol === "h2", http1);
      });
      return;
    }
    const http1 = takeListeners(server, "connection");
    server.on("connection", (socket: Socket) => {
      if (!this.#accept(socket)) return;
      firstBytes(socket, timeoutMs, (isHttp2) => {
        this.#decide(socket, isHttp2, http1);
      });
    });
  }

  /** Keeps a new connection in mind, or turns it away. */
  #accept(socket: Socket): boolean {
    if (this.#refusing || !this.#connections.add(socket)) {
      socket.destroy();
      return false;
    }
    this.#undecided.add(socket);
    socket.once("close", () => this.#undecided.delete(socket));
    return true;
  }

  #decide(socket: Socket, isHttp2: boolean, http1: (socket: Socket) => void): void {
    this.#undecided.delete(socket);
    if (!isHttp2) {
      this.#slow.add(socket);
      http1(socket);
      return;
    }
    // HTTP/1.1 servers make half-open sockets; Node's HTTP/2 would never see them end.
    socket.allowHalfOpen = false;
    this.#http2.emit("connection", socket);
  }
}

function otherEnd({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Takes a server's own listeners for an event away. Returns what calls them. */
function takeListeners(server: EventEmitter, event: string): (...args: unknown[]) => void {
  const listeners = server.listeners(event);
  server.removeAllListeners(event);
  return (...args) => {
    for (const listener of listeners) listener.apply(server, args);
  };
}

/** Node counts in whole megabytes. One large message each way must always fit. */
function sessionMegabytes({ maxConcurrentStreams, readMaxBytes, writeMaxBytes }: ServerLimits): number {
  const bytes = Math.max(maxConcurrentStreams * streamBytes, 4 * Math.max(readMaxBytes, writeMaxBytes));
  return Math.ceil(bytes / 1e6);
}
