import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import { roundRobin } from "../../../src/balancer/round-robin.ts";
import type { Goal, Trial } from "../goal.ts";
import { exponential } from "../random.ts";
import type { SimClientInit } from "../sim-client.ts";
import { World } from "../world.ts";
import type { Sources } from "../world.ts";

const [hangsMs, wellMs, endMs] = [5_000, 35_000, 75_000];

/** An instance that is stopped in the middle: connections stay, answers do not come. */
export const hangingInstance: Goal = {
  id: "Hang",
  title: "One of ten instances hangs for 30 s",
  setting: "10 instances with 8 servers and 20 ms of work on average, 1000 calls/s, deadline 1 s; one accepts calls and answers none from second 5 to 35",
  wanted: "≥ 99.9 % answered in that time, and the instance has its share again 35 s later",
  seeds: 10,
  measures: [
    { key: "success", name: "answered", unit: "%" },
    { key: "share", name: "its share in the end, of the mean", unit: "×" },
  ],
  variants: [
    { name: "the default", role: "goal", run: run((sources) => ({ balancer: peakEwma(sources) })) },
    { name: "roundRobin, ejection", role: "more", run: run((sources) => ({ balancer: roundRobin(sources) })) },
    {
      name: "roundRobin, no ejection",
      role: "control",
      run: run((sources) => ({ balancer: roundRobin(sources), outlier: false })),
    },
  ],
  holds: ({ success = 0, share = 0 }) => success >= 0.999 && share >= 0.7,
};

function run(init: (sources: Sources) => SimClientInit): (seed: number) => Promise<Trial> {
  return async (seed) => {
    using world = new World(seed, init);
    const [one] = world.start(10, () => ({ work: exponential(20), servers: 8 }));
    world.time.at(hangsMs, () => { if (one !== undefined) one.mode = "hanging"; });
    world.time.at(wellMs, () => { if (one !== undefined) one.mode = "serving"; });
    await world.load(1_000, endMs);
    await world.end();
    const { ledger } = world.client;
    const [from, until] = [endMs - 5_000, endMs];
    return {
      values: {
        success: ledger.success(hangsMs, wellMs),
        share: (10 * (one?.arrivals.between(from, until) ?? 0)) / ledger.attempts.between(from, until),
      },
    };
  };
}
