import { Latest } from "../../src/async/latest.ts";
import type { Instance } from "../../src/contract/instance.ts";
import type { Lease, Registry, Snapshot, Target } from "../../src/registry/registry.ts";

/** A registry whose snapshots a test decides, for what real ones do only when they are broken. */
export class ScriptedRegistry implements Registry {
  readonly name = "scripted";
  readonly snapshots: Latest<Snapshot> = new Latest();
  watches: number = 0;

  register(_instance: Instance): Promise<Lease> {
    return Promise.reject(new Error("the scripted registry takes no instances"));
  }

  watch(_target: Target, signal: AbortSignal): AsyncIterable<Snapshot> {
    this.watches++;
    return this.snapshots.read(signal);
  }

  show(...instances: readonly Instance[]): void {
    this.snapshots.set({ instances });
  }

  fail(problem: NonNullable<Snapshot["problem"]>): void {
    this.snapshots.set({ instances: [], problem });
  }
}
