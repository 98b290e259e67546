import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import type { Latency, Peer } from "../balancer/balancer.ts";
import type { PeerTransport } from "../channel/channel.ts";
import type { Instance } from "../contract/instance.ts";
import { publish } from "../events.ts";
import { progressOf } from "../protocol/progress.ts";
import type { Progress } from "../protocol/progress.ts";
import type { Outcomes } from "../resilience/outcomes.ts";
import type { Ejectable, EjectionReason } from "../resilience/outlier.ts";
import { pushbackOf } from "../resilience/pushback.ts";
import { endOf } from "./attempt-end.ts";
import type { HealthWatch } from "./health-watch.ts";
import type { ClientPeer } from "./peer.ts";

/**
 * Whether a failure says nothing of what a peer answers: it never looked at the
 * call, which is known otherwise, or the call failed on this side, or the peer is
 * well and only has enough to do, which a pushback says. Ejected, it would leave
 * its share to others that have enough too.
 */
function saysNothing(progress: Progress | undefined, error: ConnectError): boolean {
  if (progress === "unsent" || progress === "refused" || progress === "local") return true;
  return error.code === Code.ResourceExhausted && pushbackOf(error) !== undefined;
}

/** Calls that are lost within so many milliseconds were on one connection: that is one failure, not many in a row. */
const togetherMs = 100;

/**
 * A peer as one cluster sees it: connection, running calls and latency are the
 * peer's, which all clients share; whether it is ejected follows from the
 * calls of this cluster alone, since an instance may fail at one service and do
 * well at another.
 */
export class Member implements Peer, Ejectable {
  readonly peer: ClientPeer;
  readonly latency: Latency;
  /** Told how its calls end, where failing peers are ejected. */
  outcomes: Outcomes | undefined;
  /** Knows what the instance says of its health, where that is watched. */
  health: HealthWatch | undefined;
  readonly #now: () => number;
  readonly #changed: ((member: Member) => void) | undefined;
  #returnedMs = -Infinity;
  /** When the call began that decides. */
  #probedMs = -Infinity;
  /** When a call was last lost with its connection. */
  #lostMs = -Infinity;
  #ejected = false;
  #probing = false;

  /** @param changed told when calls should come here again, or no more */
  constructor(peer: ClientPeer, changed?: (member: Member) => void, now: () => number = () => performance.now()) {
    this.peer = peer;
    this.latency = peer.latency;
    this.#changed = changed;
    this.#now = now;
  }

  get instance(): Instance {
    return this.peer.instance;
  }

  get inFlight(): number {
    return this.peer.inFlight;
  }

  get sinceMs(): number {
    return Math.max(this.peer.sinceMs, this.#returnedMs);
  }

  get transport(): PeerTransport {
    return this.peer.transport;
  }

  /** Whether it can be reached. */
  get available(): boolean {
    return this.peer.available;
  }

  /** Whether it serves, by its own word. */
  get serving(): boolean {
    return this.health?.serving !== false;
  }

  /** Whether it was taken out for its answers, although it can be reached. */
  get ejected(): boolean {
    return this.#ejected;
  }

  /** Whether the next call decides if an ejected peer comes back. */
  get probing(): boolean {
    return this.#probing;
  }

  /** An attempt begins. It must {@link end}. */
  begin(): void {
    this.peer.begin();
    if (!this.#probing) return;
    this.#probing = false;
    this.#probedMs = this.#now();
    this.outcomes?.began();
    this.#changed?.(this);
  }

  /** An attempt that began ends: with an error, or undefined when it was answered. Times as of `performance.now()`. */
  end(startedMs: number, nowMs: number, error: ConnectError | undefined): void {
    const { peer, outcomes } = this;
    if (error === undefined) {
      peer.end(startedMs, nowMs, "answered");
      peer.answered(startedMs, nowMs);
      outcomes?.ended(undefined);
      return;
    }
    const progress = progressOf(error);
    const { code } = error;
    // A request that waited for a connection until its caller had enough was not slow to be answered.
    const abandoned = progress === "local" || (progress === "unsent" && code === Code.DeadlineExceeded);
    peer.end(startedMs, nowMs, abandoned ? "abandoned" : endOf(error));
    if (progress === undefined && code !== Code.Canceled && code !== Code.DeadlineExceeded) peer.answered(startedMs, nowMs);
    this.#count(progress, error, nowMs);
  }

  /**
   * The first message of a stream came, which began as an attempt does, or its
   * end. Returns what must be called when it is over. A stream that decides
   * whether an ejected peer comes back has decided with that.
   */
  begun(startedMs: number, nowMs: number): (nowMs: number, error: ConnectError | undefined) => void {
    const { peer, outcomes } = this;
    peer.end(startedMs, nowMs, "answered");
    peer.answered(startedMs, nowMs);
    peer.hold();
    const decided = outcomes?.standing === "probation";
    if (decided) outcomes.ended(undefined);
    return (endMs, error) => {
      peer.release();
      if (decided) return;
      // A stream that its caller ends was well up to then, also when its deadline does.
      const well = error === undefined || error.code === Code.Canceled || error.code === Code.DeadlineExceeded;
      if (well) outcomes?.ended(undefined);
      else this.#count(progressOf(error), error, endMs);
    };
  }

  #count(progress: Progress | undefined, error: ConnectError, nowMs: number): void {
    const known = saysNothing(progress, error) || (progress === "sent" && !this.#lostAnew(nowMs));
    if (known) this.outcomes?.toldNothing();
    else this.outcomes?.ended(error.code);
  }

  /** Whether a call was lost with a connection that no other was lost with just now. */
  #lostAnew(nowMs: number): boolean {
    const anew = nowMs - this.#lostMs >= togetherMs;
    if (anew) this.#lostMs = nowMs;
    return anew;
  }

  eject(why: EjectionReason): void {
    this.#probing = false;
    this.#probedMs = -Infinity;
    const again = this.#ejected;
    this.#ejected = true;
    publish("peer.ejected", () => ({ instance: this.instance, channel: this.peer.channel, why }));
    // Without calls, nothing else would notice that packets to it vanish.
    this.peer.doubt();
    if (!again) this.#changed?.(this);
  }

  probe(): void {
    this.#probing = true;
    this.#changed?.(this);
  }

  uneject(): void {
    this.#ejected = false;
    this.#probing = false;
    // It comes back as if it was new.
    this.#returnedMs = this.#now();
    this.peer.returned(this.#returnedMs - this.#probedMs, this.#returnedMs);
    publish("peer.returned", () => ({ instance: this.instance, channel: this.peer.channel }));
    this.#changed?.(this);
  }
}
