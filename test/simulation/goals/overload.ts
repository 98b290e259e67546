import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import { fixedLimit, limiterOf } from "../../../src/resilience/limiter.ts";
import type { Limiter } from "../../../src/resilience/limiter.ts";
import type { Goal, Trial } from "../goal.ts";
import { quantile } from "../ledger.ts";
import { exponential } from "../random.ts";
import type { SimClientInit } from "../sim-client.ts";
import { seconds } from "../windows.ts";
import { World } from "../world.ts";

const [count, servers, workMs] = [5, 8, 20];
/** What all instances can answer, in calls a second. */
const capacity = (count * servers * 1_000) / workMs;
const [fromMs, endMs] = [10_000, 30_000];
/** As much as the callers of a queue that is at its limit wait, and no longer. */
const adaptive = { adaptive: true, maxCalls: 200, minCalls: 20 };

/** More calls than all instances can answer: those that are answered should be as many as ever. */
export const overload: Goal = {
  id: "G6",
  title: "Half as many calls again as all instances can answer",
  setting: `${count} instances with ${servers} servers and ${workMs} ms of work on average (exponential), that is ${capacity} calls/s; ${capacity * 1.5} come from second 5 on; deadline 1 s; instances go on with calls that were given up`,
  wanted: "answers in time ≥ 90 % of what all instances can answer",
  seeds: 5,
  measures: [
    { key: "goodput", name: "answers in time, of the capacity", unit: "%" },
    { key: "load", name: "attempts a call", unit: "×" },
    { key: "p99", name: "p99 of answers", unit: "ms" },
  ],
  variants: [
    { name: "adaptive limit, all else by default", role: "goal", run: run({}, () => limiterOf(adaptive)) },
    { name: "adaptive limit, no ejection", role: "more", run: run({ outlier: false }, () => limiterOf(adaptive)) },
    { name: "limit of 50, all else by default", role: "goal", run: run({}, () => fixedLimit(50)) },
    { name: "no limit", role: "control", run: run({}, () => undefined) },
    { name: "no limit, no budget", role: "control", run: run({ budget: { minPerSecond: 1e9 } }, () => undefined) },
  ],
  holds: ({ goodput = 0 }) => goodput >= 0.9,
  chart: (of) => ({
    file: "overload",
    title: "1.5 times what all instances can answer",
    subtitle: "calls that are answered within their deadline of 1 s, relative to what all instances can answer, by second",
    x: { label: "seconds", from: 0, until: 30, ticks: [0, 5, 10, 15, 20, 25, 30] },
    y: { label: "answered in time", from: 0, until: 110, ticks: [0, 25, 50, 75, 100], unit: " %" },
    level: { y: 90, label: "goal" },
    band: { from: 5, until: 30, label: "overload" },
    lines: [
      { label: "no limit", kind: "control", points: of("no limit").series?.["goodput"] ?? [] },
      { label: "a limit of 50", kind: "more", points: of("limit of 50, all else by default").series?.["goodput"] ?? [] },
      { label: "adaptive limit", kind: "mesh", points: of("adaptive limit, all else by default").series?.["goodput"] ?? [] },
    ],
  }),
};

function run(
  init: Omit<SimClientInit, "balancer">,
  limiter: () => Limiter | undefined,
): (seed: number) => Promise<Trial> {
  return async (seed) => {
    using world = new World(seed, (sources) => ({ balancer: peakEwma(sources), ...init }));
    world.start(count, () => ({ work: exponential(workMs), servers, limiter: limiter() }));
    await world.load(capacity * 0.7, 5_000);
    await world.load(capacity * 1.5, endMs);
    await world.end();
    const { ledger } = world.client;
    const goodput = (from: number, until: number): number =>
      ledger.answers.between(from, until) / ((capacity * (until - from)) / 1_000);
    return {
      values: {
        goodput: goodput(fromMs, endMs),
        p99: quantile(ledger.answerTimes(fromMs), 0.99),
        load: ledger.attempts.between(fromMs, endMs) / ledger.calls.between(fromMs, endMs),
      },
      series: { goodput: seconds(0, endMs).map((from) => [from / 1_000 + 0.5, 100 * goodput(from, from + 1_000)] as const) },
    };
  };
}
