import { constants } from "node:http2";
import type { OutgoingHttpHeaders } from "node:http2";
import type { ConnectionOptions } from "node:tls";
import { sleep } from "../async/sleep.ts";
import { unlessAborted } from "../async/unless-aborted.ts";
import { errorText } from "../error.ts";
import { SharedSession } from "./http2-session.ts";
import type { SessionEvents } from "./http2-session.ts";
import { Keepalive } from "./keepalive.ts";
import type { KeepaliveOptions } from "./keepalive.ts";
import { endedUnsent } from "./keep-progress.ts";
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
  /**
   * Sessions to the address at most: another one is opened when the other side
   * lets no more streams be open (gRFC A105). Default 4.
   */
  readonly maxSessions?: number | undefined;
  /** How a dead connection is noticed. Default: only by what the operating system says. */
  readonly keepalive?: KeepaliveOptions | undefined;
  /**
   * Closes sessions without calls, in milliseconds; the next call connects
   * again. Default 10 minutes: servers close them after 15, and that looks like
   * an instance that leaves.
   */
  readonly idleTimeoutMs?: number | undefined;
}

const defaultMaxSessions = 4;
const defaultIdleTimeoutMs = 600_000;

/** How long nothing more is tried after another session could not be made, in milliseconds. */
const growPauseMs = 1_000;

/**
 * What a failure to connect counts for while there is no session, in
 * milliseconds, and what may be counted before nobody connects until less is
 * left: four attempts at once, then four a second. A call now and then may
 * always try, since the other side may be back; many are no flood.
 */
const failureMs = 250;
const maxFailuresMs = 750;

/**
 * HTTP/2 sessions to an address, connected with the first request and again
 * after they were lost: one, and more when the other side's limit of streams is
 * reached. Each request goes to the one with the fewest.
 */
export class Http2Connection {
  /** The scheme and authority of request URLs. */
  readonly origin: string;
  readonly scheme: string;
  readonly authority: string;
  readonly #address: string;
  readonly #options: Http2ConnectionOptions;
  readonly #maxSessions: number;
  readonly #sessions: Set<SharedSession> = new Set();
  /** Those that take requests. */
  readonly #usable: SharedSession[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #keepalive: KeepaliveOptions;
  #connecting: Promise<void> | undefined;
  #noGrowthBeforeMs = -Infinity;
  /** The last failure to connect, and until when failures count. */
  #failure: { readonly text: string; readonly cause: unknown; readonly untilMs: number } | undefined;
  #closed = false;

  /** @param address `http://host:port`, `https://host:port` or `unix:/path` */
  constructor(address: string, options: Http2ConnectionOptions) {
    this.#address = address;
    this.#options = options;
    this.#maxSessions = options.maxSessions ?? defaultMaxSessions;
    this.#keepalive = options.keepalive ?? {};
    const { host, origin, protocol } = new URL(address.startsWith("unix:") ? "http://localhost" : address);
    this.origin = origin;
    this.scheme = protocol.slice(0, -1);
    this.authority = host;
  }

  /**
   * Connects unless connected, after the pause that follows many failures. Rejects
   * with an `unsent` connection error. The signal only ends this caller's wait.
   */
  async ready(signal?: AbortSignal): Promise<void> {
    let waits = true;
    while (waits && this.#pauseMs > 0) waits = await sleep(this.#pauseMs, signal);
    await this.#ready(signal);
  }

  /** A session for one more request, if that needs no wait for a connection. */
  free(): SharedSession | undefined {
    const session = this.#least();
    return session === undefined || (session.full && this.#canGrow) ? undefined : session;
  }

  /**
   * Opens a stream, once there is a session for one more. Rejects with an
   * `unsent` connection error when it cannot: at once, with the last one, when
   * connecting failed often a moment ago.
   *
   * @param open called at once, while there is room
   */
  async opened<T>(open: (session: SharedSession) => T, signal?: AbortSignal): Promise<T> {
    for (;;) {
      const session = await this.#ready(signal);
      if (!session.full || !this.#canGrow) return open(session);
      // When that fails, the request waits for the end of another one instead.
      await this.#another(signal).catch((error: unknown) => {
        if (signal?.aborted === true) throw error;
      });
    }
  }

  /** Asks the other side whether it is still there, and ends each session on which it does not answer. */
  doubt(): void {
    for (const session of this.#sessions) session.doubt();
  }

  /** Lets running streams finish, then closes. New requests fail. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  /** The session for the next request, full or not; undefined when there is none. */
  #least(): SharedSession | undefined {
    if (this.#closed) return undefined;
    let least: SharedSession | undefined;
    for (const session of this.#usable) {
      if (session.usable && (least === undefined || session.streams < least.streams)) least = session;
    }
    return least;
  }

  get #canGrow(): boolean {
    return this.#usable.length < this.#maxSessions && performance.now() >= this.#noGrowthBeforeMs;
  }

  /** How long it is until somebody may connect, in milliseconds. */
  get #pauseMs(): number {
    if (this.#failure === undefined || this.#connecting !== undefined) return 0;
    return Math.max(0, this.#failure.untilMs - maxFailuresMs - performance.now());
  }

  async #ready(signal: AbortSignal | undefined): Promise<SharedSession> {
    if (this.#closed) throw connectionError(`the connection to ${this.#address} is closed`, "unsent");
    const session = this.#least();
    if (session !== undefined) return session;
    if (this.#failure !== undefined && this.#pauseMs > 0) throw connectionError(this.#failure.text, "unsent", this.#failure.cause);
    await this.#another(signal);
    const made = this.#least();
    if (made !== undefined) return made;
    throw connectionError(`the connection to ${this.#address} was closed as soon as it was made`, "unsent");
  }

  /** Waits for one more session; all who want one at a time get the same. */
  #another(signal: AbortSignal | undefined): Promise<void> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    if (signal === undefined) return this.#connecting;
    return unlessAborted(this.#connecting, signal).catch((error: unknown) => {
      // Whoever waits for a connection has sent nothing.
      throw signal.aborted ? endedUnsent(signal) : error;
    });
  }

  #connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      let connected = false;
      const events: SessionEvents = {
        ready: (session) => {
          connected = true;
          this.#failure = undefined;
          this.#usable.push(session);
          this.#startTimers();
          resolve();
        },
        leaving: (session, cause, tooManyPings) => {
          const { intervalMs } = this.#keepalive;
          // As gRFC A8 has it: the next sessions ask less often.
          if (tooManyPings && intervalMs !== undefined) {
            this.#keepalive = { ...this.#keepalive, intervalMs: intervalMs * 2 };
          }
          this.#lose(session, cause);
        },
        gone: (session, cause) => {
          this.#sessions.delete(session);
          if (this.#sessions.size === 0) this.#stopTimers();
          this.#lose(session, cause);
          if (connected) return;
          const nowMs = performance.now();
          this.#noGrowthBeforeMs = nowMs + growPauseMs;
          const text = `cannot connect to ${this.#address}: ${errorText(cause)}`;
          if (this.#usable.length === 0 && !this.#closed) {
            this.#failure = { text, cause, untilMs: Math.max(nowMs, this.#failure?.untilMs ?? 0) + failureMs };
            this.#options.onLost(cause);
          }
          reject(connectionError(text, "unsent", cause));
        },
      };
      this.#sessions.add(
        new SharedSession(this.#address, this.origin, this.#options, this.#keepalive, events),
      );
    });
  }

  /** Takes a session out of use. The peer is lost with the last one. */
  #lose(session: SharedSession, cause: unknown): void {
    const at = this.#usable.indexOf(session);
    if (at === -1) return;
    this.#usable.splice(at, 1);
    if (this.#usable.length === 0 && !this.#closed) this.#options.onLost(cause);
  }

  #startTimers(): void {
    if (this.#timers.length > 0) return;
    const { idleTimeoutMs = defaultIdleTimeoutMs } = this.#options;
    const every = (ms: number, action: () => void): void => {
      if (ms < Infinity) this.#timers.push(setInterval(action, ms).unref());
    };
    every(Keepalive.periodMs(this.#keepalive), () => {
      const nowMs = performance.now();
      for (const session of this.#sessions) session.check(nowMs);
    });
    // Unused for a whole period: for half of the time at least, and for all of it at most.
    every(idleTimeoutMs / 2, () => {
      for (const session of this.#usable.filter((one) => one.rested())) {
        this.#usable.splice(this.#usable.indexOf(session), 1);
        void session.close();
      }
    });
  }

  #stopTimers(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }
}

/** The pseudo-headers of a request. */
export function requestHeaders(method: string, path: string): OutgoingHttpHeaders {
  return { [constants.HTTP2_HEADER_METHOD]: method, [constants.HTTP2_HEADER_PATH]: path };
}
