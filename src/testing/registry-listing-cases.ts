import assert from "node:assert/strict";
import { isListable } from "../registry/registry.ts";
import type { Bench } from "./registry-bench.ts";
import { until } from "./until.ts";

/** The cases of registries that can list. The others pass them, for want of anything to test. */
export const registryListingCases: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  "lists the instances of all components and services by id": async (bench) => {
    const elsewhere = { component: `${bench.component}-b`, services: [`${bench.service}Two`] };
    const [a, b] = [bench.instance("a"), bench.instance("b", elsewhere)];
    await bench.lists();
    await using _b = await bench.registry.register(b);
    const lease = await bench.registry.register(a);
    const listed = await bench.lists(a.id, b.id);
    if (listed !== undefined) assert.deepEqual(listed, [a, b]);
    await lease[Symbol.asyncDispose]();
    await bench.lists(b.id);
  },

  "lists an instance in error as such": async (bench) => {
    const { registry } = bench;
    if (!isListable(registry)) return;
    const wanted = bench.instance("a");
    await using lease = await registry.register(wanted);
    await lease.setHealth("error", "the database is gone");
    await until(
      async () => {
        const found = (await registry.list()).find((of) => of.id === wanted.id);
        assert.deepEqual(found, { ...wanted, health: "error" });
        return true;
      },
      { timeoutMs: bench.timeoutMs, what: "an instance in error" },
    );
  },

  "refuses to list when the signal has aborted already": async (bench) => {
    const { registry } = bench;
    if (!isListable(registry)) return;
    const reason = new Error("the reason");
    await assert.rejects(registry.list(AbortSignal.abort(reason)), reason);
  },
};
