import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import { roundRobin } from "../../../src/balancer/round-robin.ts";
import type { Goal, Trial } from "../goal.ts";
import { exponential } from "../random.ts";
import type { SimClientInit } from "../sim-client.ts";
import { seconds, starts } from "../windows.ts";
import { World } from "../world.ts";
import type { Sources } from "../world.ts";

const [failsMs, endMs] = [10_000, 40_000];
/** The first sweep of outlier ejection after the failure has come by then. */
const sweptMs = failsMs + 10_000;

/** An instance that fails faster than others answer attracts a balancer that only looks at latency. */
export const failingInstance: Goal = {
  id: "G3",
  title: "One of ten instances fails within a millisecond",
  setting:
    "10 instances with 8 servers and 20 ms of work on average (exponential), 1000 calls/s; one answers unavailable after 1 ms from second 10 on",
  wanted: "≤ 1/10 of all attempts go to it in any second, ≤ 1 % after the first sweep",
  seeds: 20,
  measures: [
    { key: "most", name: "its share in the worst second", unit: "%" },
    { key: "later", name: "its share after 10 s", unit: "%" },
    { key: "success", name: "answered", unit: "%" },
  ],
  variants: [
    { name: "the default", role: "goal", run: run((sources) => ({ balancer: peakEwma(sources) })) },
    {
      name: "peakEwma, no ejection",
      role: "more",
      run: run((sources) => ({ balancer: peakEwma(sources), outlier: false })),
    },
    { name: "roundRobin, ejection", role: "more", run: run((sources) => ({ balancer: roundRobin(sources) })) },
    {
      name: "failures taken for answers, no ejection",
      role: "control",
      run: run((sources) => ({ balancer: peakEwma(sources), outlier: false, naive: true })),
    },
  ],
  holds: ({ most = 1, later = 1 }) => most <= 0.1 && later <= 0.01,
  chart: (of) => ({
    file: "failing-instance",
    title: "One of ten instances answers unavailable within a millisecond",
    subtitle: "its share of all attempts, by second",
    x: { label: "seconds", from: 5, until: 40, ticks: [5, 10, 15, 20, 25, 30, 35, 40] },
    y: { label: "share", from: 0, until: 30, ticks: [0, 5, 10, 15, 20, 25, 30], unit: " %" },
    level: { y: 10, label: "its part of ten" },
    band: { from: failsMs / 1_000, until: endMs / 1_000, label: "it fails" },
    lines: [
      {
        label: "latency without regard to failure",
        kind: "control",
        points: of("failures taken for answers, no ejection").series?.["share"] ?? [],
      },
      { label: "peakEwma without ejection", kind: "more", points: of("peakEwma, no ejection").series?.["share"] ?? [] },
      { label: "connect-mesh by default", kind: "mesh", points: of("the default").series?.["share"] ?? [] },
    ],
  }),
};

function run(init: (sources: Sources) => SimClientInit): (seed: number) => Promise<Trial> {
  return async (seed) => {
    using world = new World(seed, init);
    const [failing] = world.start(10, () => ({ work: exponential(20), servers: 8 }));
    world.time.at(failsMs, () => { if (failing !== undefined) failing.mode = "failing"; });
    await world.load(1_000, endMs);
    await world.end();
    const { ledger } = world.client;
    const share = (from: number, until: number): number =>
      (failing?.arrivals.between(from, until) ?? 0) / ledger.attempts.between(from, until);
    return {
      values: {
        most: Math.max(...starts(failsMs, endMs, 1_000).map((from) => share(from, from + 1_000))),
        later: share(sweptMs, endMs),
        success: ledger.success(failsMs, endMs),
      },
      series: { share: seconds(5_000, endMs).map((from) => [from / 1_000 + 0.5, 100 * share(from, from + 1_000)] as const) },
    };
  };
}
