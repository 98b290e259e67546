import type { Balancer, CallInfo, Picker } from "../balancer/balancer.ts";
import { untried } from "../balancer/untried.ts";
import type { Channel } from "../channel/channel.ts";
import type { Instance } from "../contract/instance.ts";
import type { Discovered, Discovery } from "./discovery.ts";
import type { ClientPeer } from "./peer.ts";
import type { PeerPool } from "./peer-pool.ts";

/** How often a picker is asked for a peer that was not tried yet. */
const maxTurns = 8;

/** The peers of one channel and the picker over those that should get calls. */
interface Group {
  readonly channel: Channel;
  readonly peers: readonly ClientPeer[];
  /** The peers that the picker chooses from. */
  readonly choices: readonly ClientPeer[];
  readonly picker: Picker;
  /** Whether a peer became available or unavailable since. */
  stale: boolean;
}

/** The instances of a target as one client balances over them. */
export class Cluster {
  readonly discovery: Discovery;
  readonly #pool: PeerPool;
  readonly #balancer: Balancer;
  readonly #stop = new AbortController();
  readonly #groups = new Map<string, Group>();
  readonly #changed = (peer: ClientPeer): void => {
    this.#peerChanged(peer);
  };
  #instances: readonly Instance[] = [];
  /** When each instance appeared, by id. */
  #sinceMs: ReadonlyMap<string, number> = new Map();
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
    const { picker, choices, peers } = this.#group(channel);
    // What a picker returns is one of the peers that its balancer was given.
    if (tried === undefined) return picker(call) as ClientPeer | undefined;
    const again = { method: call.method, hashKey: call.hashKey, tried };
    for (let turn = 0; turn < maxTurns; turn++) {
      const peer = picker(again) as ClientPeer | undefined;
      if (peer === undefined || !tried.has(peer)) return peer;
    }
    // A picker that insists: any other will do, even one that was ejected, but not the same for all calls.
    const from = Math.floor(Math.random() * peers.length);
    const reachable = peers.filter(({ available }) => available);
    return untried(choices, tried, from) ?? untried(reachable, tried, from);
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
    // What is there from the start is not new.
    const nowMs = this.#known ? this.#pool.now() : -Infinity;
    this.#known = true;
    this.#instances = instances;
    this.#sinceMs = new Map(instances.map(({ id }) => [id, this.#sinceMs.get(id) ?? nowMs]));
    const old = [...this.#groups.values()];
    this.#groups.clear();
    for (const { channel, peers } of old) {
      const now = this.#group(channel);
      // Given back only after the new group holds what survives, so that connections stay.
      this.#release(peers, now.peers);
    }
    this.#wake();
  }

  #group(channel: Channel): Group {
    const known = this.#groups.get(channel.name);
    if (known !== undefined) return known.stale ? this.#balance(channel, known.peers) : known;
    const peers = this.#instances
      .filter((of) => of.channels[channel.name] !== undefined)
      .map((of) => this.#pool.acquire(channel, of, this.#changed, this.#sinceMs.get(of.id)));
    return this.#balance(channel, peers);
  }

  #balance(channel: Channel, peers: readonly ClientPeer[]): Group {
    const choices = eligible(peers);
    const group = { channel, peers, choices, picker: this.#balancer(choices), stale: false };
    this.#groups.set(channel.name, group);
    return group;
  }

  /** New pickers at the next call, however many peers change until then. */
  #peerChanged(peer: ClientPeer): void {
    for (const group of this.#groups.values()) {
      group.stale = true;
      // One is back, so the others may be as well; until then it is alone with all calls.
      if (peer.available) for (const other of group.peers) if (!other.available) other.hurry();
    }
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

/**
 * The peers that should get calls: those that can be reached and were not
 * ejected. When these are fewer than half of all, ejection is no longer
 * believed (Envoy's panic threshold), since so few could not take all calls.
 * That a peer cannot be reached is believed unless none can: calls to it would
 * only come back.
 */
function eligible(peers: readonly ClientPeer[]): readonly ClientPeer[] {
  const reachable = peers.filter((peer) => peer.available);
  if (reachable.length === 0) return peers;
  const good = reachable.filter((peer) => !peer.ejected);
  return good.length * 2 < peers.length ? reachable : good;
}
