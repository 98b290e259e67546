import { narrowJitter } from "../async/backoff.ts";
import { sleep } from "../async/sleep.ts";
import type { Peer } from "../balancer/balancer.ts";
import type { PeerTransport } from "../channel/channel.ts";
import type { Instance } from "../contract/instance.ts";
import { publish } from "../events.ts";

/** Pauses between attempts to reach a lost instance (grpc/doc/connection-backoff.md, but at most 30 s). */
const reconnect = { initialMs: 1_000, maxMs: 30_000, multiplier: 1.6 };

/** One instance over one channel, as this client knows it. */
export class ClientPeer implements Peer {
  readonly channel: string;
  readonly transport: PeerTransport;
  /** Told when the peer becomes available or unavailable. */
  readonly users: Set<() => void> = new Set();
  instance: Instance;
  inFlight = 0;
  #lost: AbortController | undefined;
  #closed = false;

  /** @param connect makes the transport, given the function that reports a lost connection */
  constructor(
    instance: Instance,
    channel: string,
    connect: (onLost: (error: unknown) => void) => PeerTransport,
  ) {
    this.instance = instance;
    this.channel = channel;
    this.transport = connect((error) => {
      this.#lose(error);
    });
  }

  /** Whether calls should go here: false from a lost connection until it can be reached again. */
  get available(): boolean {
    return this.#lost === undefined;
  }

  /** A call was answered: the instance can be reached, whatever was thought before. */
  answered(): void {
    if (this.#lost !== undefined) this.#recover();
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
    this.#tell();
  }

  async #reach(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; await sleep(narrowJitter(reconnect, attempt), signal); attempt++) {
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

  #tell(): void {
    for (const user of this.users) user();
  }
}
