import type { ConnectionOptions } from "node:tls";
import type { ConnectError } from "@connectrpc/connect";
import type { Pool } from "undici";
import { errorText } from "../error.ts";
import { boundedDial } from "./http1-dial.ts";
import { CutOff } from "./lost.ts";
import { connectionError } from "./progress.ts";

/** How long a connection is kept for the next call, in milliseconds: less than Node's servers keep it. */
const idleMs = 4_000;

/** How long it is kept at most where the server says how long it keeps it, in milliseconds. */
const maxIdleMs = 60_000;

/** Options of {@link Http1Connections}. */
export interface Http1ConnectionsOptions {
  /** How long connecting may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** TLS settings for `https:` addresses. */
  readonly tls?: ConnectionOptions | undefined;
  /** Called when a connection could not be made. One that breaks says nothing about the next. */
  readonly onLost: (error: unknown) => void;
  /** Ends all requests and connections at once when it aborts. */
  readonly cut?: AbortSignal | undefined;
}

/**
 * The HTTP/1.1 connections to an address: one for each request that runs, kept
 * for the next one. Idle ones do not keep the process alive.
 */
export class Http1Connections {
  /** The scheme and authority of request URLs. */
  readonly origin: string;
  /** The address, for messages. */
  readonly address: string;
  /** How long connecting may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  readonly #options: Http1ConnectionsOptions;
  readonly #socketPath: string | undefined;
  #pool: Pool | undefined;
  #closed = false;

  /** @param address `http://host:port`, `https://host:port` or `unix:/path` */
  constructor(address: string, options: Http1ConnectionsOptions) {
    this.address = address;
    this.connectTimeoutMs = options.connectTimeoutMs;
    this.#options = options;
    this.#socketPath = address.startsWith("unix:") ? address.slice("unix:".length) : undefined;
    this.origin = new URL(this.#socketPath === undefined ? address : "http://localhost").origin;
    options.cut?.addEventListener("abort", this.#cut, { once: true });
  }

  /**
   * What sends requests. Undici is loaded with the first one: whoever calls over
   * HTTP/2 only does not pay for it. Throws an `unsent` connection error after
   * {@link close}.
   */
  pool(): Pool | Promise<Pool> {
    if (this.#closed) throw connectionError(`the connection to ${this.address} is closed`, "unsent");
    return this.#pool ?? this.#open();
  }

  /** Lets running requests finish, then closes. New ones fail. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#pool?.closed === false) await this.#pool.close();
    this.#options.cut?.removeEventListener("abort", this.#cut);
  }

  /** The error of a request that could not be sent. */
  unreachable(cause: unknown): ConnectError {
    return connectionError(`cannot connect to ${this.address}: ${errorText(cause)}`, "unsent", cause);
  }

  async #open(): Promise<Pool> {
    const { Pool, buildConnector } = await import("undici");
    // Somebody else may have asked or closed meanwhile.
    if (this.#closed || this.#pool !== undefined) return this.pool();
    const { tls } = this.#options;
    const connect = boundedDial(buildConnector, { tls, socketPath: this.#socketPath, timeoutMs: this.connectTimeoutMs });
    const pool = new Pool(this.origin, {
      connect,
      pipelining: 1,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: maxIdleMs,
      // Deadlines are the caller's.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    pool.on("connectionError", (_origin, _targets, error) => {
      if (!this.#closed) this.#options.onLost(error);
    });
    this.#pool = pool;
    return pool;
  }

  readonly #cut = (): void => {
    this.#closed = true;
    this.#pool?.destroy(new CutOff()).catch(() => {
      // It was destroyed already.
    });
  };
}
