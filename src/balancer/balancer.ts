import type { DescMethod } from "@bufbuild/protobuf";
import type { Instance } from "../contract/instance.ts";

/** How long calls to a peer take. */
export interface Latency {
  /** When a call last ended, in milliseconds on the clock of `performance.now()`. 0 before the first. */
  readonly atMs: number;
  /**
   * What the next answer is expected to take, in milliseconds, as of a time on
   * the same clock. It decays as time passes, by the same factor for all peers:
   * two of them can be compared at any time that is not before either's `atMs`.
   * 0 while no call has ended yet.
   */
  expectedMs(nowMs: number): number;
}

/** A client's view of one instance over one channel. Statistics are kept by the client. */
export interface Peer {
  /** The instance, as the registry last described it. */
  readonly instance: Instance;
  /** Calls that this client has running there now. */
  readonly inFlight: number;
  /** How long calls take there: one object for as long as there is the peer. */
  readonly latency: Latency;
  /**
   * Since when it gets calls, or gets them again, on the clock of
   * `performance.now()`. `-Infinity` for what was there when the client began.
   */
  readonly sinceMs: number;
}

/** What a picker may look at. One object a call, shared by its attempts. */
export interface CallInfo {
  /** The method that is called. */
  readonly method: DescMethod;
  /** Calls with the same key belong to the same peer, for balancers that look at it. */
  readonly hashKey?: string | undefined;
  /**
   * Peers that this call has tried in vain. A picker may leave it to the client
   * to avoid them, which then asks again or takes any other peer; one whose
   * order means something, such as `ringHash`, looks at it.
   */
  readonly tried?: ReadonlySet<Peer> | undefined;
}

/**
 * Chooses a peer for a call, or undefined when there is none. It never blocks
 * and allocates nothing.
 */
export type Picker = (call: CallInfo) => Peer | undefined;

/**
 * Makes a picker for a set of peers. Called once for each change of the set;
 * the peers are in a stable order and all of them may be picked.
 */
export type Balancer = (peers: readonly Peer[]) => Picker;
