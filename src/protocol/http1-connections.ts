import { Agent, request as requestHttp } from "node:http";
import type { ClientRequest, OutgoingHttpHeaders, RequestOptions } from "node:http";
import { Agent as SecureAgent, request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { urlToHttpOptions } from "node:url";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorText } from "../error.ts";
import { connectionError } from "./progress.ts";
import type { Progress } from "./progress.ts";

/** How long a connection is kept for the next call, in milliseconds: less than Node's servers keep it. */
const idleMs = 4_000;

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

/** A request that was begun. */
export interface Http1Request {
  readonly request: ClientRequest;
  /** How far it came, when it fails now. */
  readonly progress: () => Progress;
  /** Ends it because nobody wants the answer any more. */
  readonly cancel: () => void;
}

/**
 * The HTTP/1.1 connections to an address: one for each request that runs, kept
 * for the next one. Idle ones do not keep the process alive.
 */
export class Http1Connections {
  /** The scheme and authority of request URLs. */
  readonly origin: string;
  /** The `Host` of requests. */
  readonly host: string;
  /** The address, for messages. */
  readonly address: string;
  readonly #options: Http1ConnectionsOptions;
  readonly #start: typeof requestHttp;
  readonly #agent: Agent;
  readonly #to: RequestOptions;
  readonly #established = new WeakSet<Socket>();
  readonly #running = new Set<ClientRequest>();
  #idle: (() => void) | undefined;
  #closed = false;

  /** @param address `http://host:port`, `https://host:port` or `unix:/path` */
  constructor(address: string, options: Http1ConnectionsOptions) {
    this.address = address;
    this.#options = options;
    const path = address.startsWith("unix:") ? address.slice("unix:".length) : undefined;
    const url = new URL(path === undefined ? address : "http://localhost");
    this.origin = url.origin;
    this.host = url.host;
    this.#to = { ...urlToHttpOptions(url), ...(path === undefined ? {} : { socketPath: path }) };
    const secure = url.protocol === "https:";
    this.#start = secure ? requestHttps : requestHttp;
    const keep = { keepAlive: true, timeout: idleMs };
    this.#agent = secure
      ? new SecureAgent({ ...options.tls, ...keep, ALPNProtocols: ["http/1.1"] })
      : new Agent(keep);
    options.cut?.addEventListener("abort", this.#cut, { once: true });
  }

  /** Begins a request. Throws an `unsent` connection error after {@link close}. */
  begin(method: string, path: string, headers: OutgoingHttpHeaders | readonly string[]): Http1Request {
    if (this.#closed) throw connectionError(`the connection to ${this.address} is closed`, "unsent");
    const request = this.#start({ ...this.#to, agent: this.#agent, method, path, headers });
    this.#running.add(request);
    request.once("close", () => {
      this.#running.delete(request);
      if (this.#running.size === 0) this.#idle?.();
    });
    return this.#watch(request);
  }

  /**
   * Finds out whether something speaks HTTP at the address: `OPTIONS *` is
   * HTTP's ping (RFC 9110, section 9.3.7). Rejects with an `unsent` connection
   * error when nothing answers in the time that connecting may take.
   */
  probe(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const { request, cancel } = this.begin("OPTIONS", "*", {});
      const timer = setTimeout(() => {
        request.destroy(new Error(`no answer within ${this.#options.connectTimeoutMs} ms`));
      }, this.#options.connectTimeoutMs);
      const aborted = (): void => {
        reject(ConnectError.from(signal.reason, Code.Canceled));
        cancel();
      };
      let cause: unknown;
      request.on("error", (error) => (cause = error));
      request.on("response", (response) => {
        response.on("error", () => {
          // That it answered is all that was asked.
        });
        response.resume();
        resolve();
      });
      request.once("close", () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
        reject(this.unreachable(cause));
      });
      if (signal.aborted) aborted();
      else signal.addEventListener("abort", aborted, { once: true });
      request.end();
    });
  }

  /** Lets running requests finish, then closes. New ones fail. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#options.cut?.removeEventListener("abort", this.#cut);
    this.#agent.destroy();
  }

  /** The error of a request that could not be sent. */
  unreachable(cause: unknown): ConnectError {
    const why = cause === undefined ? "the connection was closed" : errorText(cause);
    return connectionError(`cannot connect to ${this.address}: ${why}`, "unsent", cause);
  }

  /** Watches how far a request comes: `unsent` until a byte of it was written to a connection. */
  #watch(request: ClientRequest): Http1Request {
    let socket: Socket | undefined;
    let connected = false;
    let written = 0;
    let cancelled = false;
    let timer: NodeJS.Timeout | undefined;
    request.once("socket", (given) => {
      socket = given;
      connected = this.#established.has(given);
      if (connected) {
        written = given.bytesWritten;
        return;
      }
      timer = setTimeout(() => {
        request.destroy(new Error(`no connection within ${this.#options.connectTimeoutMs} ms`));
      }, this.#options.connectTimeoutMs);
      given.once(this.#start === requestHttps ? "secureConnect" : "connect", () => {
        clearTimeout(timer);
        connected = true;
        this.#established.add(given);
      });
    });
    request.once("error", (error) => {
      if (!connected && !cancelled && !this.#closed) this.#options.onLost(error);
    });
    request.once("close", () => {
      clearTimeout(timer);
    });
    return {
      request,
      // Node counts what waits for the connection as written, so that comes first.
      progress: () => (!connected || socket?.bytesWritten === written ? "unsent" : "sent"),
      cancel: () => {
        cancelled = true;
        request.destroy();
      },
    };
  }

  readonly #cut = (): void => {
    for (const request of this.#running) {
      request.destroy(new Error("the connection was closed on this side"));
    }
    this.#agent.destroy();
  };
}
