import { narrowJitter } from "../async/backoff.ts";
import { sleep } from "../async/sleep.ts";
import type { Peer } from "../balancer/balancer.ts";
import { PeakLatency } from "../balancer/latency.ts";
import { monotonicMs } from "../balancer/sources.ts";
import type { BalancerSources } from "../balancer/sources.ts";
import type { PeerTransport } from "../channel/channel.ts";
import type { Instance } from "../contract/instance.ts";
import { errorText } from "../error.ts";
import { publish } from "../events.ts";
import type { Doubtable } from "../protocol/http2-transport.ts";
import { connectionError } from "../protocol/progress.ts";
import { HealthWatch } from "./health-watch.ts";

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
  readonly latency: PeakLatency = new PeakLatency();
  /** Told when calls should come here again, or no more. */
  readonly users: Set<(peer: ClientPeer) => void> = new Set();
  instance: Instance;
  inFlight = 0;
  sinceMs: number;
  readonly #connect: (onLost: (error: unknown) => void) => PeerTransport;
  readonly #random: () => number;
  readonly #now: () => number;
  readonly #watches = new Map<string, HealthWatch>();
  #transport: PeerTransport & Doubtable;
  /** Whether the channel could not even make a transport. */
  #broken = false;
  #lost: AbortController | undefined;
  /** Ends the pause before the next attempt to reach the instance. */
  #pause: AbortController | undefined;
  #attemptedMs = -Infinity;
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
    this.#connect = connect;
    this.#transport = this.#make();
  }

  /** How its calls are made. One that the channel failed to make fails all of them, as never sent. */
  get transport(): PeerTransport {
    return this.#transport;
  }

  /** Whether it can be reached: false from a lost connection until it can be again. */
  get available(): boolean {
    return this.#lost === undefined;
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

  /** A call was answered: the instance can be reached, whatever was thought before. Times as in {@link end}. */
  answered(startedMs: number = -Infinity, nowMs: number = 0): void {
    if (this.#lost !== undefined) this.#recover(nowMs - startedMs);
  }

  /**
   * It gets calls again: what answers took before says nothing any more.
   *
   * @param tookMs how long it took to find out; infinite when that is not known
   */
  returned(tookMs: number, nowMs: number): void {
    if (this.inFlight === 0) this.latency.forget();
    else this.latency.restart(tookMs, nowMs);
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

  /** Its calls fail: whether its connection is still there is found out now, where the transport can. */
  doubt(): void {
    this.#transport.doubt?.();
  }

  /**
   * Watches what the instance says of a service, until {@link unwatchHealth}.
   *
   * @param changed called when that changes
   */
  watchHealth(service: string, changed: () => void): HealthWatch {
    let watch = this.#watches.get(service);
    if (watch === undefined) this.#watches.set(service, (watch = new HealthWatch(this, service, this.#random)));
    watch.users.add(changed);
    return watch;
  }

  /** The last one to want no more ends the watch. */
  unwatchHealth(watch: HealthWatch, changed: () => void): void {
    watch.users.delete(changed);
    if (watch.users.size > 0) return;
    this.#watches.delete(watch.service);
    watch.close();
  }

  /** Ends the peer. Calls that are running finish. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const watch of this.#watches.values()) watch.close();
    this.#lost?.abort();
    await this.transport[Symbol.asyncDispose]();
  }

  /** A channel of the user's may throw instead of connecting with the first call. */
  #make(): PeerTransport {
    try {
      const transport = this.#connect((error) => {
        this.#lose(error);
      });
      this.#broken = false;
      return transport;
    } catch (error) {
      this.#broken = true;
      // Not before whoever makes the peer has it.
      queueMicrotask(() => {
        this.#lose(error);
      });
      return unreachable(`the channel ${this.channel} cannot connect to ${this.instance.id}: ${errorText(error)}`, error);
    }
  }

  #lose(error: unknown): void {
    if (this.#closed || this.#lost !== undefined) return;
    this.#lost = new AbortController();
    publish("peer.lost", () => ({ instance: this.instance, channel: this.channel, error }));
    void this.#reach(this.#lost.signal);
    this.#tell();
  }

  /** @param tookMs how long it took to reach the instance; infinite when that was not tried */
  #recover(tookMs: number): void {
    this.#lost?.abort();
    this.#lost = undefined;
    this.sinceMs = this.#now();
    this.returned(tookMs, this.sinceMs);
    this.#tell();
  }

  async #reach(signal: AbortSignal): Promise<void> {
    this.#attemptedMs = this.#now();
    for (let attempt = 0; await this.#wait(attempt, signal); attempt++) {
      this.#attemptedMs = this.#now();
      if (this.#broken) this.#transport = this.#make();
      if (this.#broken) continue;
      try {
        await this.transport.probe?.(signal);
      } catch {
        // Not yet; the next attempt comes later.
        continue;
      }
      const tookMs = this.transport.probe === undefined ? Infinity : this.#now() - this.#attemptedMs;
      if (!signal.aborted) this.#recover(tookMs);
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
    for (const watch of this.#watches.values()) watch.turned();
    for (const user of this.users) user(this);
  }
}

/** The transport where there is none. */
function unreachable(message: string, cause: unknown): PeerTransport {
  const fail = (): Promise<never> => Promise.reject(connectionError(message, "unsent", cause));
  return { unary: fail, stream: fail, [Symbol.asyncDispose]: () => Promise.resolve() };
}
