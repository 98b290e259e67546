import type { Balancer, CallInfo, Picker } from "../balancer/balancer.ts";
import { untried } from "../balancer/untried.ts";
import type { Channel } from "../channel/channel.ts";
import type { Instance } from "../contract/instance.ts";
import { shown } from "../contract/policy-source.ts";
import { configurationError } from "../error.ts";
import { OutlierDetector } from "../resilience/outlier.ts";
import type { OutlierPolicy } from "../resilience/outlier-policy.ts";
import { Member } from "./member.ts";
import type { ClientPeer } from "./peer.ts";
import type { PeerPool } from "./peer-pool.ts";

/** How often a picker is asked for a peer that was not tried yet. */
const maxTurns = 8;

/** What a {@link Group} needs besides its channel. */
export interface GroupOptions {
  readonly pool: PeerPool;
  readonly balancer: Balancer;
  /** When peers are ejected; false for never. */
  readonly outlier: OutlierPolicy | false;
  /** The service whose health each instance is asked for. Default: none is. */
  readonly healthService?: string | undefined;
  /** Told when a peer became available or unavailable. */
  readonly changed: (peer: ClientPeer) => void;
}

/** The peers of one channel, who of them is ejected, and the picker over those that should get calls. */
export class Group {
  readonly channel: Channel;
  readonly #options: GroupOptions;
  readonly #detector: OutlierDetector | undefined;
  readonly #sweeps: NodeJS.Timeout | undefined;
  readonly #changed = (peer: ClientPeer): void => {
    this.#picker = undefined;
    this.#options.changed(peer);
  };
  readonly #memberChanged = (member: Member): void => {
    if (member.probing) this.#probing.add(member);
    else this.#probing.delete(member);
    this.#changed(member.peer);
  };
  readonly #rethink = (): void => {
    this.#picker = undefined;
  };
  /** Ejected peers that wait for the one call that decides. */
  readonly #probing = new Set<Member>();
  #members: ReadonlyMap<ClientPeer, Member> = new Map();
  /** The peers that the picker chooses from. */
  #choices: readonly Member[] = [];
  /** Undefined when it has to be made anew. */
  #picker: Picker | undefined;

  constructor(channel: Channel, options: GroupOptions) {
    const { outlier, pool } = options;
    this.channel = channel;
    this.#options = options;
    if (outlier === false) return;
    const detector = new OutlierDetector(outlier, { now: pool.now });
    this.#detector = detector;
    this.#sweeps = setInterval(() => {
      detector.sweep(pool.now());
    }, outlier.intervalMs).unref();
  }

  /** All peers, in the order of the registry. */
  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /**
   * Takes over what the registry says.
   *
   * @param sinceMs when each instance appeared, by id
   */
  update(instances: readonly Instance[], sinceMs: ReadonlyMap<string, number>): void {
    const { pool } = this.#options;
    const old = this.#members;
    this.#picker = undefined;
    this.#members = new Map(
      instances
        .filter((of) => of.channels[this.channel.name] !== undefined)
        .map((of) => pool.acquire(this.channel, of, this.#changed, sinceMs.get(of.id)))
        .map((peer) => [peer, old.get(peer) ?? this.#join(peer)]),
    );
    // Given back only now that those that stay are held, so that connections stay.
    for (const [peer, member] of old) if (!this.#members.has(peer)) this.#leave(member);
  }

  /** Picks a peer that was not tried, or undefined when all that can be reached were. */
  pick(call: CallInfo, tried: ReadonlySet<Member> | undefined): Member | undefined {
    if (this.#probing.size > 0) {
      const probe = this.#probe(call, tried);
      if (probe !== undefined) return probe;
    }
    const picker = this.#picker ?? this.#balance();
    if (tried === undefined) return memberOf(picker(call));
    const again = { method: call.method, hashKey: call.hashKey, tried };
    for (let turn = 0; turn < maxTurns; turn++) {
      const member = memberOf(picker(again));
      if (member === undefined || !tried.has(member)) return member;
    }
    // A picker that insists: any other will do, even one that was ejected, but not the same for all calls.
    const from = Math.floor(Math.random() * this.#members.size);
    const reachable = this.members.filter(({ available }) => available);
    return untried(this.#choices, tried, from) ?? untried(reachable, tried, from);
  }

  /** Tries to reach all lost peers now instead of after their pauses. */
  hurry(): void {
    for (const [peer] of this.#members) if (!peer.available) peer.hurry();
  }

  /** Gives all peers back. */
  close(): void {
    clearInterval(this.#sweeps);
    const members = this.#members;
    this.#members = new Map();
    for (const member of members.values()) this.#leave(member);
  }

  #join(peer: ClientPeer): Member {
    const { healthService, pool } = this.#options;
    const member = new Member(peer, this.#memberChanged, pool.now);
    member.outcomes = this.#detector?.add(member);
    if (healthService !== undefined) member.health = peer.watchHealth(healthService, this.#rethink);
    return member;
  }

  #leave(member: Member): void {
    if (member.health !== undefined) member.peer.unwatchHealth(member.health, this.#rethink);
    if (member.outcomes !== undefined) this.#detector?.remove(member.outcomes);
    this.#probing.delete(member);
    this.#options.pool.release(member.peer, this.#changed);
  }

  #balance(): Picker {
    this.#choices = eligible(this.members);
    return (this.#picker = this.#pickerFor(this.#choices));
  }

  /** A peer on probation that the call may go to: a call with a key only if it would be its own. */
  #probe(call: CallInfo, tried: ReadonlySet<Member> | undefined): Member | undefined {
    for (const member of this.#probing) {
      if (!member.available || !member.serving || tried?.has(member) === true) continue;
      if (call.hashKey === undefined) return member;
      const choices = this.members.filter((other) => other === member || (other.available && other.serving && !other.ejected));
      if (this.#pickerFor(choices)(call) === member) return member;
    }
    return undefined;
  }

  /** Types say what a balancer returns; one of JavaScript may not know them. */
  #pickerFor(choices: readonly Member[]): Picker {
    const picker: unknown = this.#options.balancer(choices);
    if (typeof picker === "function") return picker as Picker;
    throw configurationError(`a balancer must return a picker, a function that chooses a peer; it returned ${kindOf(picker)}`);
  }
}

function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return shown(value);
  return value instanceof Promise ? "a promise" : "another object";
}

/** What a picker returned: one of the peers that its balancer was given, or undefined. */
function memberOf(picked: unknown): Member | undefined {
  if (picked instanceof Member || picked === undefined) return picked;
  throw configurationError(
    `a picker must return one of the peers that its balancer was given, at once, or undefined; it returned ${kindOf(picked)}`,
  );
}

/**
 * The peers that should get calls: those that can be reached, serve, and were
 * not ejected. When these are fewer than half of all, ejection is no longer
 * believed (Envoy's panic threshold), since so few could not take all calls.
 * That a peer cannot be reached is believed unless none can: calls to it would
 * only come back. What peers say of themselves is believed unless all say that
 * they do not serve: then each call is told so by one of them, where gRFC A17
 * has it fail in the client.
 */
function eligible(members: readonly Member[]): readonly Member[] {
  const reachable = members.filter(({ available }) => available);
  if (reachable.length === 0) return members;
  const serving = reachable.filter((member) => member.serving);
  const able = serving.length === 0 ? reachable : serving;
  const good = able.filter(({ ejected }) => !ejected);
  return good.length * 2 < members.length ? able : good;
}
