import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import { fullJitter } from "../async/backoff.ts";
import { Latest } from "../async/latest.ts";
import { sleep } from "../async/sleep.ts";
import type { Instance } from "../contract/instance.ts";
import { errorText, meshError } from "../error.ts";
import { publish } from "../events.ts";
import type { Registry, Snapshot, Target } from "../registry/registry.ts";

/** What a client believes about a target. */
export interface Discovered {
  /** The instances to use: the registry's, or the last known good ones. */
  readonly instances: readonly Instance[];
  /** Why the registry cannot be asked now, and since when (epoch ms). */
  readonly stale?: { readonly error: ConnectError; readonly sinceMs: number } | undefined;
}

/**
 * Follows one target in the registry and never believes bad news at once: while
 * the registry is down or denies access, and for a grace period after it
 * suddenly knows no instances, the last known good ones stay (Finagle calls
 * this a stabilizer).
 */
export class Discovery implements AsyncDisposable {
  readonly target: Target;
  /** What is believed; unset until the registry first answered or failed. */
  readonly state: Latest<Discovered> = new Latest();
  readonly #registry: Registry;
  readonly #graceMs: number;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #grace: AbortController | undefined;

  /** @param graceMs how long a suddenly empty target keeps its instances, in milliseconds */
  constructor(registry: Registry, target: Target, graceMs: number) {
    this.target = target;
    this.#registry = registry;
    this.#graceMs = graceMs;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#grace?.abort();
    this.state.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    const signal = this.#stop.signal;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        for await (const snapshot of this.#registry.watch(this.target, signal)) {
          failures = 0;
          this.#see(snapshot);
        }
        if (signal.aborted) return;
        throw new Error(`the ${this.#registry.name} registry ended the watch`);
      } catch (error) {
        // Registries promise not to throw; one that does must not end discovery.
        this.#see({
          instances: [],
          problem: meshError(Code.Unavailable, "REGISTRY_UNAVAILABLE", errorText(error), { cause: error }),
        });
        await sleep(fullJitter({ initialMs: 500, maxMs: 30_000 }, failures), signal);
      }
    }
  }

  #see(snapshot: Snapshot): void {
    if (snapshot.problem !== undefined) {
      this.#fail(snapshot.problem, snapshot.instances);
      return;
    }
    const known = this.state.value;
    if (known?.stale !== undefined) {
      publish("registry.recovered", () => ({ registry: this.#registry.name, target: this.target }));
    }
    const last = known?.instances ?? [];
    if (snapshot.instances.length > 0 || last.length === 0) {
      this.#grace?.abort();
      this.#grace = undefined;
      this.#use({ instances: snapshot.instances });
      return;
    }
    this.state.set({ instances: last });
    this.#keep(last);
  }

  #fail(error: ConnectError, lastOfRegistry: readonly Instance[]): void {
    const known = this.state.value;
    const instances = known?.instances ?? lastOfRegistry;
    if (known?.stale === undefined) {
      publish("registry.stale", () => ({ registry: this.#registry.name, target: this.target, error }));
    }
    this.#use({
      instances,
      stale: { error, sinceMs: known?.stale?.sinceMs ?? Date.now() },
    });
  }

  #use(next: Discovered): void {
    const before = new Set(this.state.value?.instances.map(({ id }) => id));
    const after = new Set(next.instances.map(({ id }) => id));
    this.state.set(next);
    const added = [...after].filter((id) => !before.has(id));
    const removed = [...before].filter((id) => !after.has(id));
    if (added.length === 0 && removed.length === 0) return;
    const { size } = after;
    publish("cluster.changed", () => ({ target: this.target, added, removed, size }));
  }

  /** Believes an empty answer only after the grace period. */
  #keep(last: readonly Instance[]): void {
    if (this.#grace !== undefined) return;
    const grace = new AbortController();
    this.#grace = grace;
    publish("cluster.kept", () => ({
      target: this.target,
      instances: last.map(({ id }) => id),
      graceMs: this.#graceMs,
    }));
    void sleep(this.#graceMs, grace.signal).then((over) => {
      if (!over) return;
      this.#grace = undefined;
      const stale = this.state.value?.stale;
      this.#use({ instances: [], stale });
    });
  }
}
