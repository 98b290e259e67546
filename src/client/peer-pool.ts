import type { BalancerSources } from "../balancer/sources.ts";
import { monotonicMs } from "../balancer/sources.ts";
import type { Channel, ChannelOptions } from "../channel/channel.ts";
import type { Instance } from "../contract/instance.ts";
import { ClientPeer } from "./peer.ts";

/** Who uses a peer: told when calls should come to it again, or no more. */
export type PeerUser = (peer: ClientPeer) => void;

/** One peer for each instance and channel, shared by all clients of a mesh. */
export class PeerPool {
  /** The clock of all peers, in milliseconds. */
  readonly now: () => number;
  readonly #options: Omit<ChannelOptions, "onLost">;
  readonly #sources: BalancerSources;
  readonly #peers = new Map<string, ClientPeer>();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: Omit<ChannelOptions, "onLost">, sources: BalancerSources = {}) {
    this.#options = options;
    this.#sources = sources;
    this.now = sources.now ?? monotonicMs;
  }

  /**
   * The peer of an instance for a channel. `changed` is called while it is held.
   *
   * @param sinceMs when the instance appeared, for a peer that is made now
   */
  acquire(channel: Channel, instance: Instance, changed: PeerUser, sinceMs: number = -Infinity): ClientPeer {
    const key = keyOf(channel.name, instance);
    let peer = this.#peers.get(key);
    if (peer === undefined) {
      peer = new ClientPeer(
        instance,
        channel.name,
        (onLost) => channel.connect(instance, { ...this.#options, onLost }),
        { ...this.#sources, sinceMs },
      );
      this.#peers.set(key, peer);
    }
    // The registry's newest words about the same process, such as its weight.
    peer.instance = instance;
    peer.users.add(changed);
    return peer;
  }

  /** Gives a peer back. The last one to do so closes it, after its running calls. */
  release(peer: ClientPeer, changed: PeerUser): void {
    peer.users.delete(changed);
    if (peer.users.size > 0) return;
    this.#peers.delete(keyOf(peer.channel, peer.instance));
    const closing = peer.close().catch(() => {
      // The connection was broken already.
    });
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  /** Waits until all peers that were given back have closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#closing);
  }
}

function keyOf(channel: string, instance: Instance): string {
  return `${channel} ${instance.channels[channel] ?? ""} ${instance.id}`;
}
