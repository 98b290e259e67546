import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import { roundRobin } from "../../../src/balancer/round-robin.ts";
import type { Goal, Trial, Variant } from "../goal.ts";
import { fixed, logNormal } from "../random.ts";
import type { SimClientInit } from "../sim-client.ts";
import { World } from "../world.ts";
import type { Sources } from "../world.ts";

const [slowMs, endMs] = [4_000, 20_000];
const sizes = [10, 100, 1_000, 10_000];

/** What holds for eleven instances should hold for ten thousand. */
export const fleetSize: Goal = {
  id: "Size",
  title: "One instance in ten is slow, in fleets of 10 to 10 000",
  setting: "10 calls/s for each instance (3 for 10 000); 10 % of the instances take 2 s from second 4 to 20, the deadline is 1 s",
  wanted: "at most a fifth of the calls that fail with round robin",
  seeds: 1,
  measures: [
    { key: "success", name: "answered", unit: "%" },
    { key: "failed", name: "failed, of those with round robin", unit: "×" },
  ],
  variants: sizes.flatMap((size): readonly Variant[] => [
    { name: `${size} instances, the default`, role: "goal", run: run(size, (sources) => ({ balancer: peakEwma(sources) })) },
    {
      name: `${size} instances, roundRobin, no ejection`,
      role: "control",
      run: run(size, (sources) => ({ balancer: roundRobin(sources), outlier: false })),
    },
  ]),
  holds: ({ failed = 1 }) => failed <= 0.2,
};

function run(size: number, init: (sources: Sources) => SimClientInit): (seed: number) => Promise<Trial> {
  return async (seed) => {
    // Most of the fleets' time is alike: the largest gets less of it.
    const perSecond = size * (size > 1_000 ? 3 : 10);
    using world = new World(seed, init);
    const usual = logNormal(60, 0.3);
    const all = world.start(size, () => ({ work: usual }));
    world.time.at(slowMs, () => {
      for (const one of all.slice(0, size / 10)) one.work = fixed(2_000);
    });
    await world.load(perSecond, endMs);
    await world.end();
    const success = world.client.ledger.success(slowMs, endMs);
    return { values: { success, failed: (1 - success) / 0.1 } };
  };
}
