import type { ConnectError } from "@connectrpc/connect";
import type { HealthStatus, Instance } from "../contract/instance.ts";
import type { Target } from "../contract/target.ts";

export type { Target } from "../contract/target.ts";

/** All instances of a target at one moment: always the full set, never a change. */
export interface Snapshot {
  /** The instances that serve, in a stable order (by id). */
  readonly instances: readonly Instance[];
  /**
   * Set when the registry could not look: it is down, or it denies access. Then
   * `instances` is only what the registry last knew, and clients keep what they
   * have. The next snapshot without a problem ends it.
   */
  readonly problem?: ConnectError | undefined;
}

/** A registered instance. Disposing of it deregisters the instance. */
export interface Lease extends AsyncDisposable {
  /**
   * Tells the registry the instance's health. `error` takes the instance out
   * of snapshots, without ending the lease. The detail is for people.
   */
  setHealth(status: HealthStatus, detail?: string): Promise<void>;
}

/**
 * Where instances register and are watched. A registry may be wrong or gone at
 * any time: it heals by itself, and never throws out of a running watch.
 */
export interface Registry {
  /** Short name for events and health reports, such as `consul`. */
  readonly name: string;

  /**
   * Adds an instance and keeps it added (heartbeats, re-registration when the
   * registry has forgotten it) until the lease is disposed of. Rejects when
   * the instance cannot be registered as it is, with a message that says why.
   */
  register(instance: Instance, signal?: AbortSignal): Promise<Lease>;

  /**
   * Yields the target's instances: the first snapshot as soon as they are
   * known, even when there are none, then one for each change. A slow reader
   * skips to the newest. Ends without an error when the signal aborts.
   */
  watch(target: Target, signal: AbortSignal): AsyncIterable<Snapshot>;
}

/** A registry that can also show everything in it, for tools. Calls need only {@link Registry}. */
export interface ListableRegistry extends Registry {
  /**
   * All living instances, whatever they serve, those in `error` included, in
   * order of id. It looks once and believes what it sees. Rejects when the
   * registry cannot look, and with the signal's reason when that aborts.
   */
  list(signal?: AbortSignal): Promise<readonly Instance[]>;
}

/** Whether a registry can show everything in it. */
export function isListable(registry: Registry): registry is ListableRegistry {
  return "list" in registry && typeof registry.list === "function";
}

/** Whether an instance belongs in the snapshots of a target. */
export function matches(target: Target, of: Instance): boolean {
  return (
    of.health !== "error" &&
    of.services.includes(target.service) &&
    (target.component === undefined || target.component === of.component)
  );
}

/** The snapshot of a target out of all known instances, in order of id. */
export function select(target: Target, all: Iterable<Instance>): Snapshot {
  return { instances: byId([...all].filter((of) => matches(target, of))) };
}

/** A copy of a list of instances, in order of id. */
export function byId(instances: readonly Instance[]): readonly Instance[] {
  return instances.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** A text that is equal for two snapshots exactly when nothing changed between them. */
export function fingerprint(snapshot: Snapshot): string {
  return JSON.stringify([snapshot.problem?.message ?? null, snapshot.instances]);
}
