import { Code } from "@connectrpc/connect";
import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import type { HedgingPolicy } from "../../../src/contract/policy.ts";
import type { Goal, Series, Trial } from "../goal.ts";
import { quantile } from "../ledger.ts";
import { logNormal, mixed } from "../random.ts";
import { World } from "../world.ts";

const [usualMs, lateMs, share] = [10, 1_000, 0.01];
const [warmMs, endMs, perSecond] = [2_000, 32_000, 1_000];
const p95: HedgingPolicy = { maxAttempts: 2, delayMs: "p95", nonFatalCodes: [Code.Unavailable] };

/** A few calls that take a hundred times as long as the others, wherever they go: a second copy finds another fate. */
export const stragglers: Goal = {
  id: "G9",
  title: "One call in a hundred takes a hundred times as long",
  setting: `20 instances, ${perSecond} calls/s for ${(endMs - warmMs) / 1_000} s, median ${usualMs} ms, 1 % around ${lateMs} ms; deadline 5 s`,
  wanted:
    "p99.9 ≤ 1/10 of that without hedging, ≤ 5 % more attempts (give or take a quarter of a percent: 5 % are slower than the p95)",
  seeds: 3,
  measures: [
    { key: "p999", name: "p99.9", unit: "ms" },
    { key: "extra", name: "more attempts", unit: "%" },
    { key: "p50", name: "median", unit: "ms" },
    { key: "p99", name: "p99", unit: "ms" },
  ],
  variants: [
    { name: "hedged at the observed p95", role: "goal", run: run(p95) },
    { name: "hedged after 30 ms", role: "goal", run: run({ ...p95, delayMs: 30 }) },
    { name: "not hedged", role: "control", run: run(undefined) },
  ],
  holds: ({ p999 = Infinity, extra = 1 }, of) => p999 * 10 <= (of("not hedged")["p999"] ?? 0) && extra <= 0.0525,
  chart: (of) => ({
    file: "stragglers",
    title: "One call in a hundred takes a hundred times as long",
    subtitle: "how long calls take, from the median to the slowest in ten thousand",
    x: { label: "one call in … is slower", from: 2, until: 10_000, ticks: [2, 10, 100, 1_000, 10_000], log: true },
    y: { label: "time", from: 5, until: 5_000, ticks: [5, 10, 50, 100, 500, 1_000, 5_000], unit: " ms", log: true },
    lines: [
      { label: "not hedged", kind: "control", points: of("not hedged").series?.["times"] ?? [] },
      { label: "hedged after 30 ms", kind: "more", points: of("hedged after 30 ms").series?.["times"] ?? [] },
      { label: "hedged at the observed p95", kind: "mesh", points: of("hedged at the observed p95").series?.["times"] ?? [] },
    ],
  }),
};

function run(hedging: HedgingPolicy | undefined): (seed: number) => Promise<Trial> {
  return async (seed) => {
    using world = new World(seed, (sources) => ({ balancer: peakEwma(sources), hedging, deadlineMs: 5_000 }));
    const work = mixed(logNormal(usualMs, 0.25), logNormal(lateMs, 0.2), share);
    world.start(20, () => ({ work }));
    await world.load(perSecond, endMs);
    await world.end();
    const { ledger } = world.client;
    const times = ledger.latencies(warmMs);
    const points = Array.from({ length: 60 }, (_, at): Series[number] => {
      const among = 2 * 5_000 ** (at / 59);
      return [among, quantile(times, 1 - 1 / among)];
    });
    return {
      values: {
        p50: quantile(times, 0.5),
        p99: quantile(times, 0.99),
        p999: quantile(times, 0.999),
        extra: ledger.attempts.between(warmMs, endMs) / ledger.calls.between(warmMs, endMs) - 1,
      },
      series: { times: points },
    };
  };
}
