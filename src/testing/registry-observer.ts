import type { Instance } from "../contract/instance.ts";
import type { Target } from "../contract/target.ts";
import { fingerprint, type Registry, type Snapshot } from "../registry/registry.ts";
import { until, within } from "./until.ts";

/**
 * Reads a watch in the background and remembers its newest snapshot. Fails when
 * a snapshot is equal to the one before it.
 */
export class Observer implements AsyncDisposable {
  readonly #timeoutMs: number;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #latest: Snapshot | undefined;
  #failed: unknown;

  constructor(registry: Registry, target: Target, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#done = this.#read(registry.watch(target, this.#stop.signal));
  }

  /** Waits for a snapshot that fits. Rejects when the watch fails or ends before. */
  async sees(what: string, fits: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
    const found = await until(
      () => {
        if (this.#failed !== undefined) return { failed: this.#failed };
        const snapshot = this.#latest;
        return snapshot !== undefined && fits(snapshot) ? { snapshot } : undefined;
      },
      { timeoutMs: this.#timeoutMs, what: `a snapshot with ${what}` },
    );
    if (found?.snapshot === undefined) throw found?.failed;
    return found.snapshot;
  }

  /** Waits until exactly these instances are there, in order, and returns them. */
  async seesIds(...ids: readonly string[]): Promise<readonly Instance[]> {
    const wanted = JSON.stringify(ids);
    const fits = ({ instances, problem }: Snapshot): boolean =>
      problem === undefined && JSON.stringify(instances.map((of) => of.id)) === wanted;
    return (await this.sees(`the instances ${wanted}`, fits)).instances;
  }

  /** Ends the watch. Rejects when it does not end, or failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await within(() => this.#done, { timeoutMs: this.#timeoutMs, what: "the end of a watch" });
    if (this.#failed !== undefined) throw this.#failed;
  }

  async #read(watch: AsyncIterable<Snapshot>): Promise<void> {
    try {
      for await (const snapshot of watch) {
        const before = this.#latest;
        if (before !== undefined && fingerprint(before) === fingerprint(snapshot)) {
          throw new Error("the watch yielded a snapshot without a change");
        }
        this.#latest = snapshot;
      }
      if (!this.#stop.signal.aborted) throw new Error("the watch ended before its signal aborted");
    } catch (error) {
      this.#failed = error;
    }
  }
}
