import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import type { Goal, Trial } from "../goal.ts";
import { exponential } from "../random.ts";
import type { SimClientInit } from "../sim-client.ts";
import { World } from "../world.ts";

const endMs = 40_000;
/** How long the registry still knows an instance that has crashed. */
const knownMs = 2_000;

/** All instances crash and are replaced, one after the other. */
export const restarts: Goal = {
  id: "Restart",
  title: "All ten instances crash, one every 3 s, and are replaced",
  setting:
    "10 instances with 8 servers and 20 ms of work on average, 1000 calls/s of an idempotent method; the registry hears of a crash after 2 s, the replacement is there at once",
  wanted: "no failed call",
  seeds: 10,
  measures: [
    { key: "success", name: "answered", unit: "%" },
    { key: "load", name: "attempts a call", unit: "×" },
  ],
  variants: [
    { name: "the default", role: "goal", run: run({}) },
    { name: "no retries", role: "control", run: run({ retry: false }) },
  ],
  holds: ({ success = 0 }) => success === 1,
};

function run(init: Omit<SimClientInit, "balancer">): (seed: number) => Promise<Trial> {
  return async (seed) => {
    using world = new World(seed, (sources) => ({ balancer: peakEwma(sources), ...init }));
    const old = world.start(10, () => ({ work: exponential(20), servers: 8 }));
    for (const [at, one] of old.entries()) {
      const crashMs = 3_000 * (at + 1);
      world.time.at(crashMs, () => {
        one.crash();
        world.start(1, () => ({ work: exponential(20), servers: 8 }));
      });
      world.time.at(crashMs + knownMs, () => { world.forget(one); });
    }
    await world.load(1_000, endMs);
    await world.end();
    const { ledger } = world.client;
    return { values: { success: ledger.success(), load: ledger.attempts.between(0, endMs) / ledger.calls.between(0, endMs) } };
  };
}
