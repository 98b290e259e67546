import type { Balancer, CallInfo, Picker } from "../balancer/balancer.ts";
import type { Channel } from "../channel/channel.ts";
import type { Instance } from "../contract/instance.ts";
import type { Discovered, Discovery } from "./discovery.ts";
import type { ClientPeer } from "./peer.ts";
import type { PeerPool } from "./peer-pool.ts";

/** The peers of one channel and the picker over those that can be reached. */
interface Group {
  readonly peers: readonly ClientPeer[];
  readonly picker: Picker;
  /** How many peers the picker chooses from. */
  readonly choices: number;
}

/** The instances of a target as one client balances over them. */
export class Cluster {
  readonly discovery: Discovery;
  readonly #pool: PeerPool;
  readonly #balancer: Balancer;
  readonly #stop = new AbortController();
  readonly #groups = new Map<string, Group>();
  readonly #channels = new Map<string, Channel>();
  readonly #changed = (): void => {
    this.#rebuild();
  };
  #instances: readonly Instance[] = [];
  #known = false;
  #waiting: Array<() => void> = [];

  constructor(discovery: Discovery, pool: PeerPool, balancer: Balancer) {
    this.discovery = discovery;
    this.#pool = pool;
    this.#balancer = balancer;
    // What other clients have found out already is there from the first call on.
    if (discovery.state.value !== undefined) this.#update(discovery.state.value);
    void this.#follow();
  }

  /** Whether the registry has answered, or failed, at least once. */
  get known(): boolean {
    return this.#known;
  }

  /** How many instances there are. */
  get size(): number {
    return this.#instances.length;
  }

  /** Names of the channels that at least one instance offers, sorted. */
  offered(): readonly string[] {
    return [...new Set(this.#instances.flatMap((of) => Object.keys(of.channels)))].sort();
  }

  /**
   * Picks a peer for a channel that was not tried yet, or undefined when all
   * that can be reached were.
   */
  pick(
    channel: Channel,
    call: CallInfo,
    tried: ReadonlySet<ClientPeer> | undefined,
  ): ClientPeer | undefined {
    const group = this.#group(channel);
    if (tried === undefined) return group.picker(call) as ClientPeer | undefined;
    for (let turn = 0; turn < group.choices; turn++) {
      const peer = group.picker(call);
      if (peer === undefined) return undefined;
      if (!tried.has(peer as ClientPeer)) return peer as ClientPeer;
    }
    // A picker that insists on one peer: any other that was not tried will do.
    return group.peers.find((peer) => peer.available && !tried.has(peer));
  }

  /** Resolves at the next change of the peers, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        signal.removeEventListener("abort", aborted);
        resolve();
      };
      const aborted = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== settle);
        resolve();
      };
      if (signal.aborted) {
        resolve();
        return;
      }
      signal.addEventListener("abort", aborted, { once: true });
      this.#waiting.push(settle);
    });
  }

  /** Stops following. Peers are given back; their running calls finish. */
  close(): void {
    this.#stop.abort();
    for (const group of this.#groups.values()) this.#release(group.peers);
    this.#groups.clear();
    this.#wake();
  }

  async #follow(): Promise<void> {
    for await (const state of this.discovery.state.read(this.#stop.signal)) this.#update(state);
  }

  #update({ instances }: Discovered): void {
    this.#known = true;
    this.#instances = instances;
    const old = [...this.#groups.entries()];
    this.#groups.clear();
    for (const [name, group] of old) {
      const channel = this.#channels.get(name);
      const now = channel === undefined ? undefined : this.#group(channel);
      // Given back only after the new group holds what survives, so that connections stay.
      this.#release(group.peers, now?.peers);
    }
    this.#wake();
  }

  #group(channel: Channel): Group {
    const known = this.#groups.get(channel.name);
    if (known !== undefined) return known;
    this.#channels.set(channel.name, channel);
    const peers = this.#instances
      .filter((of) => of.channels[channel.name] !== undefined)
      .map((of) => this.#pool.acquire(channel, of, this.#changed));
    return this.#balance(channel.name, peers);
  }

  #balance(name: string, peers: readonly ClientPeer[]): Group {
    const reachable = peers.filter((peer) => peer.available);
    // When nothing can be reached, that verdict is worth less than a try.
    const choices = reachable.length > 0 ? reachable : peers;
    const group = { peers, picker: this.#balancer(choices), choices: choices.length };
    this.#groups.set(name, group);
    return group;
  }

  /** A peer became available or unavailable: new pickers over the same peers. */
  #rebuild(): void {
    for (const [name, group] of this.#groups) this.#balance(name, group.peers);
    this.#wake();
  }

  #release(peers: readonly ClientPeer[], except: readonly ClientPeer[] = []): void {
    const held = new Set(except);
    for (const peer of peers) if (!held.has(peer)) this.#pool.release(peer, this.#changed);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const settle of waiting) settle();
  }
}
