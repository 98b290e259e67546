import { narrowJitter } from "../async/backoff.ts";
import { sleep } from "../async/sleep.ts";
import type { Peer } from "../balancer/balancer.ts";
import { PeakLatency } from "../balancer/latency.ts";
import { monotonicMs } from "../balancer/sources.ts";
import type { BalancerSources } from "../balancer/sources.ts";
import type { PeerTransport } from "../channel/channel.ts";
import type { Instance } from "../contract/instance.ts";
import { publish } from "../events.ts";

/** Pauses between attempts to reach a lost instance (grpc/doc/connection-backoff.md, but at most 30 s). */
const reconnect = { initialMs: 1_000, maxMs: 30_000, multiplier: 1.6 };

/**
 * How an attempt ended: `answered` in time, `failed` in a way that speaks
 * against the peer, or `abandoned` by the caller before there was an answer.
 */
export type AttemptEnd = "answered" | "failed" | "abandoned";

/** What a {@link ClientPeer} may be told at its start. */
export interface ClientPeerOptions extends BalancerSources {
  /** Since when the instance is known, as in `Peer.sinceMs`. Default `-Infinity`: it is not new. */
  readonly sinceMs?: number | undefined;
}

/** One instance over one channel, as this client knows it. */
export class ClientPeer implements Peer {
  readonly channel: string;
  readonly transport: PeerTransport;
  readonly latency: PeakLatency = new PeakLatency();
  /** Told when calls should come here again, or no more. */
  readonly users: Set<(peer: ClientPeer) => void> = new Set();
  instance: Instance;
  inFlight = 0;
  sinceMs: number;
  readonly #random: () => number;
  readonly #now: () => number;
  #lost: AbortController | undefined;
  /** Ends the pause before the next attempt to reach the instance. */
  #pause: AbortController | undefined;
  #attemptedMs = -Infinity;
  #ejected = false;
  #closed = false;

  /** @param connect makes the transport, given the function that reports a lost connection */
  constructor(
    instance: Instance,
    channel: string,
    connect: (onLost: (error: unknown) => void) => PeerTransport,
    options: ClientPeerOptions = {},
  ) {
    this.instance = instance;
    this.channel = channel;
    this.sinceMs = options.sinceMs ?? -Infinity;
    this.#random = options.random ?? Math.random;
    this.#now = options.now ?? monotonicMs;
    this.transport = connect((error) => {
      this.#lose(error);
    });
  }

  /** Whether it can be reached: false from a lost connection until it can be again. */
  get available(): boolean {
    return this.#lost === undefined;
  }

  /** Whether it was taken out for its answers, although it can be reached. */
  get ejected(): boolean {
    return this.#ejected;
  }

  /** An attempt begins. It must {@link end}. */
  begin(): void {
    this.inFlight++;
  }

  /**
   * An attempt that began ends: times are on the clock of `performance.now()`.
   * For a stream, this is when its first answer came; what it still takes is
   * between {@link hold} and {@link release}.
   */
  end(startedMs: number, nowMs: number, how: AttemptEnd): void {
    this.inFlight--;
    const tookMs = nowMs - startedMs;
    if (how === "answered") this.latency.observe(tookMs, nowMs);
    else if (how === "failed") this.latency.fail(tookMs, nowMs);
    else this.latency.exceed(tookMs, nowMs);
  }

  /** A call goes on that says nothing more about latency, such as a stream. It must {@link release}. */
  hold(): void {
    this.inFlight++;
  }

  /** A call that was held is over. */
  release(): void {
    this.inFlight--;
  }

  /** A call was answered: the instance can be reached, whatever was thought before. */
  answered(): void {
    if (this.#lost !== undefined) this.#recover();
  }

  /** Takes the peer out until {@link uneject}: it only gets calls when most others are out as well. */
  eject(): void {
    if (this.#ejected || this.#closed) return;
    this.#ejected = true;
    this.#tell();
  }

  /** Brings an ejected peer back, as if it was new. */
  uneject(): void {
    if (!this.#ejected || this.#closed) return;
    this.#ejected = false;
    this.sinceMs = this.#now();
    this.#tell();
  }

  /**
   * Tries to reach a lost instance now instead of after its pause, since
   * another one that was lost has come back. At most once a second.
   */
  hurry(): void {
    if (this.#pause !== undefined && this.#now() - this.#attemptedMs >= reconnect.initialMs) {
      this.#pause.abort();
    }
  }

  /** Ends the peer. Calls that are running finish. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#lost?.abort();
    await this.transport[Symbol.asyncDispose]();
  }

  #lose(error: unknown): void {
    if (this.#closed || this.#lost !== undefined) return;
    this.#lost = new AbortController();
    publish("peer.lost", () => ({ instance: this.instance, channel: this.channel, error }));
    void this.#reach(this.#lost.signal);
    this.#tell();
  }

  #recover(): void {
    this.#lost?.abort();
    this.#lost = undefined;
    this.sinceMs = this.#now();
    this.#tell();
  }

  async #reach(signal: AbortSignal): Promise<void> {
    this.#attemptedMs = this.#now();
    for (let attempt = 0; await this.#wait(attempt, signal); attempt++) {
      this.#attemptedMs = this.#now();
      try {
        await this.transport.probe?.(signal);
      } catch {
        // Not yet; the next attempt comes later.
        continue;
      }
      if (!signal.aborted) this.#recover();
      return;
    }
  }

  /** Waits until it is time for an attempt; false when it will never be. The pause includes the last attempt. */
  async #wait(attempt: number, signal: AbortSignal): Promise<boolean> {
    const pause = new AbortController();
    const untilMs = this.#attemptedMs + narrowJitter(reconnect, attempt, this.#random);
    this.#pause = pause;
    await sleep(Math.max(0, untilMs - this.#now()), AbortSignal.any([signal, pause.signal]));
    if (this.#pause === pause) this.#pause = undefined;
    return !signal.aborted;
  }

  #tell(): void {
    for (const user of this.users) user(this);
  }
}
