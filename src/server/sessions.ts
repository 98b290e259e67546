import { constants } from "node:http2";
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { sleep } from "../async/sleep.ts";
import { countInbound, hastyMs, inboundOf } from "../protocol/inbound.ts";
import type { Inbound } from "../protocol/inbound.ts";
import { Keepalive } from "../protocol/keepalive.ts";
import type { ServerLimits } from "./options.ts";

/**
 * Longest wait for an answer while draining, in milliseconds. A request that
 * comes later is refused, not lost.
 */
const drainAnswerMs = 200;

/** The largest stream id: a GOAWAY with it announces the end without refusing anything. */
const maxStreamId = 2 ** 31 - 1;

/** Settings that may come in a row; each must be answered. */
const maxChatter = 48;

/**
 * How long the calls of a connection with too many resets may go on, in
 * milliseconds. Those that were not reset are somebody's as well.
 */
const lastCallsMs = 1_000;

/** What a PING counts for that comes too early, so that two may (gRFC A8, "2 strikes") and a third may not. */
const earlyPing = 16;

/** What comes between two PINGs, in bytes, when they are there for the data and not for themselves. */
const busyBytes = 4_096;

/** A session, and what is known of it. */
interface Watched {
  readonly session: ServerHttp2Session;
  readonly inbound: Inbound;
  readonly keepalive: Keepalive;
  /** When it is told to go, on the clock of `performance.now()`. */
  readonly endMs: number;
  /** Since when nothing runs on it; undefined while something does. */
  restedMs: number | undefined;
}

/** The HTTP/2 sessions of a server: who floods, idles, is gone or has been here for too long is told to go. */
export class Sessions {
  readonly #limits: ServerLimits;
  readonly #all = new Map<ServerHttp2Session, Watched>();
  /** Those that may finish what runs, and get no more. */
  readonly #dismissed = new Set<ServerHttp2Session>();

  constructor(limits: ServerLimits) {
    this.#limits = limits;
  }

  /** Looks after a session from its beginning. */
  add(session: ServerHttp2Session): void {
    const { maxStreamResets, slowAnswerTimeoutMs, maxConnectionAgeMs } = this.#limits;
    const inbound = countInbound(session, {
      resets: maxStreamResets,
      exceeded: () => {
        this.#dismiss(session, "too_many_resets");
      },
    });
    inbound.slowAnswerMs = slowAnswerTimeoutMs;
    const nowMs = performance.now();
    const watched: Watched = {
      session,
      inbound,
      keepalive: this.#keepalive(session, inbound, nowMs),
      // Ten percent more or less, so that connections that were made together do not end together.
      endMs: nowMs + maxConnectionAgeMs * (0.9 + Math.random() * 0.2),
      restedMs: nowMs,
    };
    this.#all.set(session, watched);
    session.once("close", () => {
      this.#all.delete(session);
      this.#dismissed.delete(session);
    });
    // Errors of a session end its streams; each call hears of that itself.
    session.on("error", () => {});
    this.#expectSettings(session);
    this.#boundChatter(session, inbound);
  }

  /**
   * Turns a stream of a session away that takes no more. nghttp2 drops what comes
   * after a GOAWAY by itself, but only once that has been written, and much may
   * come in one piece.
   */
  refuses(stream: ServerHttp2Stream): boolean {
    if (this.#dismissed.size === 0) return false;
    const { session } = stream;
    if (session === undefined || !this.#dismissed.has(session as ServerHttp2Session)) return false;
    stream.on("error", () => {});
    stream.close(constants.NGHTTP2_REFUSED_STREAM);
    return true;
  }

  /** Counts a stream that does not count itself, and ends it when nothing moves although something should. */
  follow(stream: ServerHttp2Stream): void {
    const inbound = inboundOf(stream.session ?? stream);
    const begunMs = performance.now();
    inbound.open++;
    stream.once("close", () => {
      const reset = stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR;
      inbound.end(reset && performance.now() - begunMs < hastyMs);
    });
    stream.setTimeout(this.#limits.idleStreamTimeoutMs, () => {
      if (isStuck(stream)) stream.close(constants.NGHTTP2_CANCEL);
    });
  }

  /** Looks at all sessions; to be called from time to time. */
  check(nowMs: number): void {
    const { idleConnectionTimeoutMs } = this.#limits;
    for (const watched of this.#all.values()) {
      const { session, inbound, keepalive, endMs } = watched;
      if (session.destroyed || session.closed) continue;
      keepalive.check(nowMs);
      if (inbound.open > 0) watched.restedMs = undefined;
      else watched.restedMs ??= nowMs;
      const idle = watched.restedMs !== undefined && nowMs - watched.restedMs >= idleConnectionTimeoutMs;
      if (idle || nowMs >= endMs) void announceEnd(session, inbound);
    }
  }

  /** How often {@link check} should be called, in milliseconds. */
  get periodMs(): number {
    const { idleConnectionTimeoutMs, maxConnectionAgeMs } = this.#limits;
    return Math.min(idleConnectionTimeoutMs / 4, maxConnectionAgeMs / 4, Keepalive.periodMs(this.#pings));
  }

  /**
   * Asks all to go, in the order that loses nothing: an announcement, a round
   * trip, then the end (RFC 9113, section 6.8). Resolves when all have been told.
   */
  async drain(): Promise<void> {
    await Promise.all([...this.#all.values()].map(({ session, inbound }) => announceEnd(session, inbound)));
  }

  /** What runs finishes, and nothing new begins. */
  close(): void {
    for (const session of this.#all.keys()) session.close();
  }

  /** Ends all, whatever runs. */
  destroy(): void {
    for (const session of this.#all.keys()) session.destroy(undefined, constants.NGHTTP2_CANCEL);
  }

  /**
   * Expels a caller once its running calls have had a moment; nothing new is taken
   * meanwhile. The GOAWAY is one without an error: at any other, Node's clients
   * end all their calls at once, also those that this side never saw and that
   * could go elsewhere.
   */
  #dismiss(session: ServerHttp2Session, why: string): void {
    // One that is closing takes nothing new in any case.
    if (session.destroyed || session.closed || this.#dismissed.has(session)) return;
    this.#dismissed.add(session);
    session.goaway(constants.NGHTTP2_NO_ERROR, 0, Buffer.from(why));
    const end = setTimeout(() => {
      expel(session, why);
    }, lastCallsMs);
    session.once("close", () => {
      clearTimeout(end);
    });
  }

  get #pings(): { readonly intervalMs: number; readonly timeoutMs: number } {
    return { intervalMs: this.#limits.keepaliveIntervalMs, timeoutMs: this.#limits.keepaliveTimeoutMs };
  }

  #keepalive(session: ServerHttp2Session, inbound: Inbound, nowMs: number): Keepalive {
    const dead = (): void => {
      session.destroy();
    };
    const { socket } = session;
    return new Keepalive({ ...this.#pings, session, socket, busy: () => inbound.open > 0, dead }, nowMs);
  }

  /** A preface without settings, and then nothing, is no HTTP/2 either. */
  #expectSettings(session: ServerHttp2Session): void {
    const silent = setTimeout(() => {
      session.destroy(undefined, constants.NGHTTP2_SETTINGS_TIMEOUT);
    }, this.#limits.firstBytesTimeoutMs);
    const heard = (): void => {
      clearTimeout(silent);
    };
    session.once("remoteSettings", heard);
    session.once("close", heard);
  }

  /** Expels callers who ask for many answers that are none (CVE-2019-9512, CVE-2019-9515, gRFC A8). */
  #boundChatter(session: ServerHttp2Session, inbound: Inbound): void {
    const { minPingIntervalMs } = this.#limits;
    let pingedMs = -Infinity;
    let pingedBytes = 0;
    session.on("ping", () => {
      const nowMs = performance.now();
      // Whoever sends or reads much measures the connection with PINGs, grpc-go among them.
      const { bytesRead, bytesWritten } = session.socket;
      const bytes = bytesRead + bytesWritten;
      if (bytes - pingedBytes > busyBytes) inbound.chatter = 0;
      pingedBytes = bytes;
      const early = nowMs - pingedMs < minPingIntervalMs;
      pingedMs = nowMs;
      if (early) inbound.chatter += earlyPing;
      if (inbound.chatter > maxChatter) expel(session, "too_many_pings");
    });
    session.on("remoteSettings", () => {
      if (++inbound.chatter > maxChatter) expel(session, "too_many_settings");
    });
  }
}

/** Whether a stream waits for a caller who does nothing: to send the rest of a request, or to read an answer. */
function isStuck(stream: ServerHttp2Stream): boolean {
  if (stream.writableLength > 0 || stream.bufferSize > 0) return true;
  return !stream.readableEnded && !stream.isPaused() && stream.readableLength === 0;
}

/** Ends a session whose other side does not behave. */
function expel(session: ServerHttp2Session, why: string): void {
  if (session.destroyed) return;
  session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from(why));
  // Without an error: nobody might listen for those of its streams.
  session.destroy();
}

async function announceEnd(session: ServerHttp2Session, inbound: Inbound): Promise<void> {
  if (session.destroyed || session.closed) return;
  const settled = new AbortController();
  const settle = (): void => {
    settled.abort();
  };
  session.once("close", settle);
  // Node reads nothing more once it has said GOAWAY and nothing runs: there is no
  // answer to wait for. What is on its way is refused by the last GOAWAY.
  if (inbound.open > 0) {
    session.goaway(constants.NGHTTP2_NO_ERROR, maxStreamId);
    inbound.rested = settle;
    if (session.ping(settle)) await sleep(drainAnswerMs, settled.signal);
    inbound.rested = undefined;
    // Sends the last GOAWAY with the last stream that was taken, and waits for the rest.
    if (!session.destroyed) session.close();
    return;
  }
  session.close();
  // The other side closes once it has read that, unless it is in no hurry.
  await sleep(drainAnswerMs, settled.signal);
}
