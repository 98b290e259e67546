import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";
import { maxTimerMs } from "../async/sleep.ts";

/** How a connection finds out that its other side is gone without a word (gRFC A8). */
export interface KeepaliveOptions {
  /**
   * Silence after which the other side is asked for a sign of life, in
   * milliseconds. Default: it is never asked. Servers of gRPC end connections
   * that ask more often than every 5 minutes, unless they are told otherwise.
   */
  readonly intervalMs?: number | undefined;
  /** How long it may take to answer, in milliseconds. Default 20000. */
  readonly timeoutMs?: number | undefined;
  /** Whether it is asked while no call runs, too. Default false. */
  readonly withoutCalls?: boolean | undefined;
}

/** How long the answer to a PING may take, in milliseconds (gRFC A8, `KEEPALIVE_TIMEOUT`). */
export const defaultKeepaliveTimeoutMs = 20_000;

/** How long nothing more is asked out of doubt, in milliseconds: several clients may doubt the same connection. */
const doubtPauseMs = 10_000;

/** What a {@link Keepalive} watches. */
export interface KeepaliveInit extends KeepaliveOptions {
  readonly session: Http2Session;
  /** The socket below the session: it counts what was heard. */
  readonly socket: Socket;
  /** Whether calls run. */
  readonly busy: () => boolean;
  /** Called once, when the other side does not answer. */
  readonly dead: (error: Error) => void;
}

/**
 * Finds out whether the other side of a session is still there, by PING frames
 * (RFC 9113, section 6.7): without them a connection whose packets vanish looks
 * like a slow one for minutes. Whoever owns it calls {@link check} from time to time.
 */
export class Keepalive {
  readonly #init: KeepaliveInit;
  #intervalMs: number;
  #bytes: number;
  #heardMs: number;
  #askedMs = -1;
  #checks = 0;
  #doubtedMs = -Infinity;

  /** @param nowMs the time on a monotonic clock, in milliseconds */
  constructor(init: KeepaliveInit, nowMs: number) {
    this.#init = init;
    this.#intervalMs = init.intervalMs ?? Infinity;
    this.#bytes = init.socket.bytesRead;
    this.#heardMs = nowMs;
  }

  /** How often {@link check} should be called, in milliseconds; infinite for never. */
  static periodMs({ intervalMs = Infinity, timeoutMs = defaultKeepaliveTimeoutMs }: KeepaliveOptions): number {
    return intervalMs === Infinity ? Infinity : Math.max(10, Math.min(intervalMs, timeoutMs) / 10);
  }

  /** Looks whether something was heard, and asks or gives up when it was not. */
  check(nowMs: number): void {
    const { session, socket, busy, withoutCalls = false, timeoutMs = defaultKeepaliveTimeoutMs } = this.#init;
    const { bytesRead } = socket;
    if (bytesRead !== this.#bytes) {
      this.#bytes = bytesRead;
      this.#heard(nowMs);
    } else if (this.#askedMs >= 0) {
      // When this process stood still, the answer may be there without having been read.
      if (nowMs - this.#askedMs < timeoutMs || ++this.#checks < 3) return;
      this.#intervalMs = Infinity;
      this.#heard(nowMs);
      this.#init.dead(new Error(`the other side did not answer a keepalive PING within ${timeoutMs} ms`));
    } else if (!withoutCalls && !busy()) {
      this.#heardMs = nowMs;
    } else if (nowMs - this.#heardMs >= this.#intervalMs) {
      this.#ask(session, nowMs);
    }
  }

  /**
   * Asks at once, whether or not calls run and whatever the interval is, since
   * there is a reason to think that nobody answers; looks after the answer
   * itself. At most once every 10 s: servers count PINGs (gRFC A8).
   */
  doubt(nowMs: number): void {
    const { session, socket, timeoutMs = defaultKeepaliveTimeoutMs } = this.#init;
    if (this.#askedMs >= 0 || nowMs - this.#doubtedMs < doubtPauseMs) return;
    this.#doubtedMs = nowMs;
    // What has come so far is no answer.
    this.#bytes = socket.bytesRead;
    this.#ask(session, nowMs);
    const timer = setInterval(() => {
      if (!session.destroyed) this.check(performance.now());
      if (session.destroyed || this.#askedMs < 0) clearInterval(timer);
    }, Math.min(maxTimerMs, Keepalive.periodMs({ intervalMs: timeoutMs, timeoutMs }))).unref();
  }

  #heard(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#askedMs = -1;
  }

  #ask(session: Http2Session, nowMs: number): void {
    // A session that is destroyed throws when it is asked for a PING.
    if (session.destroyed) return;
    this.#askedMs = nowMs;
    this.#checks = 0;
    session.ping(() => {
      // The answer counts as bytes that were read.
    });
  }
}
