import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import type { Goal, Trial } from "../goal.ts";
import { exponential } from "../random.ts";
import { World } from "../world.ts";

const [crashMs, backMs, endMs] = [10_000, 20_000, 70_000];
const names = ["a", "b", "c"];

/** Calls stay near as long as that overloads nobody. */
export const zones: Goal = {
  id: "Zones",
  title: "Half the instances of the own zone die and come back",
  setting: "3 zones of 4 instances, 600 calls/s from zone a; two instances of zone a crash at second 10 and are back at second 20; the end is at second 70",
  wanted:
    "≥ 99 % of the attempts in the own zone before and after, 55 to 65 % of them while half of it is gone (as much as leaves all equally loaded), no failed call",
  seeds: 10,
  measures: [
    { key: "before", name: "own zone, before", unit: "%" },
    { key: "during", name: "during", unit: "%" },
    { key: "after", name: "after", unit: "%" },
    { key: "success", name: "answered", unit: "%" },
  ],
  variants: [
    { name: "the default with a zone", role: "goal", run: run("a") },
    { name: "no zone", role: "control", run: run(undefined) },
  ],
  holds: ({ before = 0, during = 0, after = 0, success = 0 }) =>
    before >= 0.99 && after >= 0.99 && during >= 0.55 && during <= 0.65 && success === 1,
};

function run(zone: string | undefined): (seed: number) => Promise<Trial> {
  return async (seed) => {
    using world = new World(seed, (sources) => ({ balancer: peakEwma({ ...sources, zone }) }));
    const all = world.start(12, (at) => ({ work: exponential(20), servers: 8, zone: names[at % 3] }));
    const own = all.filter((one) => one.zone === "a");
    world.time.at(crashMs, () => { for (const one of own.slice(0, 2)) one.crash(); });
    world.time.at(backMs, () => { for (const one of own.slice(0, 2)) one.mode = "serving"; });
    await world.load(600, endMs);
    await world.end();
    const { ledger } = world.client;
    const share = (from: number, until: number): number =>
      own.reduce((sum, { arrivals }) => sum + arrivals.between(from, until), 0) / ledger.attempts.between(from, until);
    return {
      values: {
        before: share(0, crashMs),
        during: share(crashMs + 1_000, backMs),
        after: share(endMs - 5_000, endMs),
        success: ledger.success(),
      },
    };
  };
}
