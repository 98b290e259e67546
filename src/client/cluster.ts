import type { Balancer, CallInfo } from "../balancer/balancer.ts";
import type { Channel } from "../channel/channel.ts";
import type { Instance } from "../contract/instance.ts";
import type { OutlierPolicy } from "../resilience/outlier-policy.ts";
import type { Discovered, Discovery } from "./discovery.ts";
import { Group } from "./group.ts";
import type { Member } from "./member.ts";
import type { ClientPeer } from "./peer.ts";
import type { PeerPool } from "./peer-pool.ts";

/** What a {@link Cluster} may look at besides connections. */
export interface ClusterOptions {
  /** When peers are ejected for their answers. Default false: never. */
  readonly outlier?: OutlierPolicy | false | undefined;
  /** The service whose health each instance is asked for. Default: none is. */
  readonly healthService?: string | undefined;
}

/** The instances of a target as one client balances over them. */
export class Cluster {
  readonly discovery: Discovery;
  readonly #pool: PeerPool;
  readonly #balancer: Balancer;
  readonly #options: ClusterOptions;
  readonly #stop = new AbortController();
  readonly #groups = new Map<string, Group>();
  readonly #changed = (peer: ClientPeer): void => {
    // One is back, so the others may be as well; until then it is alone with all calls.
    if (peer.available) for (const group of this.#groups.values()) group.hurry();
    this.#wake();
  };
  #seen: Discovered | undefined;
  #instances: readonly Instance[] = [];
  /** When each instance appeared, by id. */
  #sinceMs: ReadonlyMap<string, number> = new Map();
  #known = false;
  #waiting: Array<() => void> = [];

  constructor(discovery: Discovery, pool: PeerPool, balancer: Balancer, options: ClusterOptions = {}) {
    this.discovery = discovery;
    this.#pool = pool;
    this.#balancer = balancer;
    this.#options = options;
    // What other clients have found out already is there from the first call on.
    if (discovery.state.value !== undefined) this.#update(discovery.state.value);
    void this.#follow();
  }

  /** Whether the registry has answered, or failed, at least once. */
  get known(): boolean {
    return this.#known;
  }

  /** Whether it no longer follows: then nothing can be picked. */
  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Aborts when it no longer follows. */
  get ended(): AbortSignal {
    return this.#stop.signal;
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
   * that can be reached were. Throws what a balancer throws.
   */
  pick(channel: Channel, call: CallInfo, tried: ReadonlySet<Member> | undefined): Member | undefined {
    return this.#group(channel).pick(call, tried);
  }

  /** All peers for a channel, in the order of the registry. */
  members(channel: Channel): readonly Member[] {
    return this.#group(channel).members;
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
    for (const group of this.#groups.values()) group.close();
    this.#groups.clear();
    this.#instances = [];
    this.#wake();
  }

  async #follow(): Promise<void> {
    for await (const state of this.discovery.state.read(this.#stop.signal)) this.#update(state);
  }

  #update(seen: Discovered): void {
    // What was there at the start is read again by whoever follows.
    if (this.closed || seen === this.#seen) return;
    this.#seen = seen;
    const { instances } = seen;
    // What is there from the start is not new.
    const nowMs = this.#known ? this.#pool.now() : -Infinity;
    this.#known = true;
    this.#instances = instances;
    this.#sinceMs = new Map(instances.map(({ id }) => [id, this.#sinceMs.get(id) ?? nowMs]));
    for (const group of this.#groups.values()) group.update(instances, this.#sinceMs);
    this.#wake();
  }

  #group(channel: Channel): Group {
    const known = this.#groups.get(channel.name);
    if (known !== undefined) return known;
    const { outlier = false, healthService } = this.#options;
    const group = new Group(channel, {
      pool: this.#pool,
      balancer: this.#balancer,
      outlier: this.closed ? false : outlier,
      healthService,
      changed: this.#changed,
    });
    this.#groups.set(channel.name, group);
    group.update(this.#instances, this.#sinceMs);
    return group;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const settle of waiting) settle();
  }
}
