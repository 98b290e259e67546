import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type Instance, instance } from "../contract/instance.ts";
import type { Target } from "../contract/target.ts";
import { isListable, type Registry, type Snapshot } from "../registry/registry.ts";
import { Observer } from "./registry-observer.ts";
import { until, within } from "./until.ts";

/** What the cases share: a registry, and names that nobody else has. */
export class Bench {
  readonly registry: Registry;
  readonly other: Registry | undefined;
  readonly timeoutMs: number;
  readonly component: string;
  readonly service: string;

  constructor(registry: Registry, other: Registry | undefined, timeoutMs: number) {
    const unique = randomUUID().slice(0, 8);
    this.registry = registry;
    this.other = other;
    this.timeoutMs = timeoutMs;
    this.component = `case-${unique}`;
    this.service = `mesh.test.v1.Case${unique}Service`;
  }

  /** The target that only the instances of this case match. */
  get target(): Target {
    return { service: this.service, component: this.component };
  }

  /** An instance of the component; its id ends in `suffix`. */
  instance(suffix: string, more: Partial<Instance> = {}): Instance {
    return instance({
      id: `${this.component}-${suffix}`,
      component: this.component,
      services: [this.service],
      channels: { protobuf: "http://127.0.0.1:4001" },
      ...more,
    });
  }

  /** Starts to read a watch in the background. */
  observe(target: Target = this.target, registry: Registry = this.registry): Observer {
    return new Observer(registry, target, this.timeoutMs);
  }

  /**
   * Waits until a listing has exactly these instances of the case's components,
   * in order. Returns them; undefined for a registry that cannot list.
   */
  async lists(...ids: readonly string[]): Promise<readonly Instance[] | undefined> {
    const { registry } = this;
    if (!isListable(registry)) return undefined;
    const look = async (): Promise<readonly Instance[] | undefined> => {
      const all = await registry.list();
      // The store may hold those of other cases as well.
      const own = all.filter((of) => of.component.startsWith(this.component));
      assert.deepEqual(own.map((of) => of.id), ids);
      return own;
    };
    return until(look, { timeoutMs: this.timeoutMs, what: `a listing of ${JSON.stringify(ids)}` });
  }

  /** Runs something that must finish in time. */
  within<T>(what: string, run: () => Promise<T>): Promise<T> {
    return within(run, { timeoutMs: this.timeoutMs, what });
  }

  /** The next snapshot of a watch. */
  async next(of: AsyncIterator<Snapshot>): Promise<Snapshot> {
    const next = await this.within("the next snapshot", () => of.next());
    assert.equal(next.done ?? false, false, "the watch ended");
    return next.value;
  }

  /** Fails unless the watch ends soon, after at most `more` snapshots that were on their way. */
  async ends(of: AsyncIterator<Snapshot>, more = 0): Promise<void> {
    for (let at = 0; at <= more; at++) {
      const next = await this.within("the end of a watch", () => of.next());
      if (next.done === true) return;
    }
    assert.fail("a watch must end when its signal aborts");
  }
}
