import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import { roundRobin } from "../../../src/balancer/round-robin.ts";
import type { Goal, Trial } from "../goal.ts";
import { exponential } from "../random.ts";
import type { SimClientInit } from "../sim-client.ts";
import { World } from "../world.ts";
import type { Sources } from "../world.ts";

const [joinsMs, endMs] = [5_000, 20_000];
/** How many times longer work takes at first, and until when it does not any more. */
const [cold, warmMs] = [10, 8_000];

/** What slow start is for: an instance that must still fill its caches and compile its code. */
export const coldInstance: Goal = {
  id: "G5, cold",
  title: "A new instance that is slow at first",
  setting: `10 instances with 8 servers and 40 ms of work on average (exponential), 1000 calls/s; an eleventh joins that takes ${cold} times as long at first and is warm after ${warmMs / 1_000} s`,
  wanted: "≥ 99.5 % answered within 1 s while it warms up",
  seeds: 20,
  measures: [{ key: "success", name: "answered", unit: "%" }],
  variants: [
    { name: "the default", role: "goal", run: run((sources) => ({ balancer: peakEwma(sources) })) },
    { name: "roundRobin, no ejection", role: "goal", run: run((sources) => ({ balancer: roundRobin(sources), outlier: false })) },
    {
      name: "roundRobin, no ejection, no slow start",
      role: "control",
      run: run((sources) => ({ balancer: roundRobin({ ...sources, slowStart: false }), outlier: false })),
    },
  ],
  holds: ({ success = 0 }) => success >= 0.995,
};

function run(init: (sources: Sources) => SimClientInit): (seed: number) => Promise<Trial> {
  return async (seed) => {
    using world = new World(seed, init);
    const usual = exponential(40);
    world.start(10, () => ({ work: usual, servers: 8 }));
    const factor = (): number => Math.max(1, cold - ((cold - 1) * (world.time.now() - joinsMs)) / warmMs);
    world.time.at(joinsMs, () => {
      world.start(1, () => ({ work: (random) => usual(random) * factor(), servers: 8 }));
    });
    await world.load(1_000, endMs);
    await world.end();
    return { values: { success: world.client.ledger.success(joinsMs, joinsMs + warmMs) } };
  };
}
