import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import { defaultRetry } from "../../../src/contract/merge-policy.ts";
import type { Goal, Trial } from "../goal.ts";
import { exponential } from "../random.ts";
import type { SimClientInit } from "../sim-client.ts";
import { seconds } from "../windows.ts";
import { World } from "../world.ts";

const [failsMs, wellMs, endMs] = [15_000, 45_000, 50_000];
const perSecond = 1_000;
/** Repetitions a second that the budget allows in any case. */
const reserve = 10;
const unlimited = { minPerSecond: 1e9 };

/** All instances fail: repetitions must not treble the load of what is on its knees already. */
export const outage: Goal = {
  id: "G4",
  title: "All instances fail for 30 s",
  setting: `20 instances, ${perSecond} calls/s, 3 attempts (the default); all answer unavailable from second 15 to 45`,
  wanted:
    "≤ 1.2 attempts a call besides the 10 a second that are always allowed (give or take 0.5 %, since the budget counts the calls of the last 10 s); ≥ 99 % answered in the first second after",
  seeds: 20,
  measures: [
    { key: "load", name: "attempts a call", unit: "×" },
    { key: "beyond", name: "without the 10 a second", unit: "×" },
    { key: "worst", name: "in the worst second", unit: "×" },
    { key: "after", name: "answered in the first second after", unit: "%" },
  ],
  variants: [
    { name: "the default", role: "goal", run: run({}) },
    { name: "with a throttle of 100 tokens, 0.1 back", role: "goal", run: run({ throttle: { maxTokens: 100, tokenRatio: 0.1 } }) },
    { name: "no budget", role: "control", run: run({ budget: unlimited }) },
    { name: "no budget, 5 attempts", role: "control", run: run({ budget: unlimited, retry: { ...defaultRetry, maxAttempts: 5 } }) },
  ],
  holds: ({ beyond = Infinity, after = 0 }) => beyond <= 1.2 * 1.005 && after >= 0.99,
  valid: (of) => Math.abs((of("no budget")["load"] ?? 0) - 3) < 0.05,
  chart: (of) => ({
    file: "outage",
    title: "All instances fail for 30 s, calls may take three attempts",
    subtitle: "attempts for each call, by second",
    x: { label: "seconds", from: 10, until: 50, ticks: [10, 15, 20, 25, 30, 35, 40, 45, 50] },
    y: { label: "attempts a call", from: 0, until: 3.5, ticks: [0, 1, 2, 3], unit: " ×" },
    band: { from: failsMs / 1_000, until: wellMs / 1_000, label: "all fail" },
    lines: [
      { label: "no budget", kind: "control", points: of("no budget").series?.["load"] ?? [] },
      { label: "connect-mesh by default", kind: "mesh", points: of("the default").series?.["load"] ?? [] },
      {
        label: "and with a throttle",
        kind: "other",
        points: of("with a throttle of 100 tokens, 0.1 back").series?.["load"] ?? [],
      },
    ],
  }),
};

function run(init: Omit<SimClientInit, "balancer">): (seed: number) => Promise<Trial> {
  return async (seed) => {
    using world = new World(seed, (sources) => ({ balancer: peakEwma(sources), ...init }));
    const all = world.start(20, () => ({ work: exponential(20), servers: 8 }));
    world.time.at(failsMs, () => { for (const one of all) one.mode = "failing"; });
    world.time.at(wellMs, () => { for (const one of all) one.mode = "serving"; });
    await world.load(perSecond, endMs);
    await world.end();
    const { ledger } = world.client;
    const load = (from: number, until: number): number =>
      ledger.attempts.between(from, until) / ledger.calls.between(from, until);
    const calls = ledger.calls.between(failsMs, wellMs);
    const allowed = (reserve * (wellMs - failsMs)) / 1_000;
    const whole = seconds(10_000, endMs);
    return {
      values: {
        load: load(failsMs, wellMs),
        beyond: (ledger.attempts.between(failsMs, wellMs) - allowed) / calls,
        worst: Math.max(...whole.map((from) => load(from, from + 1_000))),
        after: ledger.success(wellMs, wellMs + 1_000),
      },
      series: { load: whole.map((from) => [from / 1_000 + 0.5, load(from, from + 1_000)] as const) },
    };
  };
}
