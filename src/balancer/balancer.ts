import type { DescMethod } from "@bufbuild/protobuf";
import type { Instance } from "../contract/instance.ts";

/** A client's view of one instance over one channel. Statistics are kept by the client. */
export interface Peer {
  /** The instance, as the registry last described it. */
  readonly instance: Instance;
  /** Calls that this client has running there now. */
  readonly inFlight: number;
}

/** What a picker may look at. One object a call, shared by its attempts. */
export interface CallInfo {
  /** The method that is called. */
  readonly method: DescMethod;
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
