import type { Balancer } from "../../../src/balancer/balancer.ts";
import { leastRequest } from "../../../src/balancer/least-request.ts";
import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import { roundRobin } from "../../../src/balancer/round-robin.ts";
import type { Goal, Trial } from "../goal.ts";
import { fixed, logNormal } from "../random.ts";
import type { SimClientInit } from "../sim-client.ts";
import { seconds } from "../windows.ts";
import { World } from "../world.ts";
import type { Sources } from "../world.ts";

const [slowMs, wellMs, endMs] = [15_000, 45_000, 60_000];

/** Buoyant's "Beyond Round Robin" replayed: one of eleven instances takes 2 s for half of a minute. */
export const slowInstance: Goal = {
  id: "G1",
  title: "One slow instance of eleven",
  setting:
    "11 instances with a median of 167 ms, 1000 calls/s for 60 s, deadline 1 s; one takes 2 s from second 15 to 45 (Buoyant, 2016)",
  wanted: "≥ 99.9 % answered; round robin: 95.5 ± 0.5 %",
  seeds: 20,
  measures: [
    { key: "success", name: "answered", unit: "%" },
    { key: "failed", name: "failed calls", unit: "" },
  ],
  variants: [
    { name: "the default", role: "goal", run: run((sources) => ({ balancer: peakEwma(sources) })) },
    { name: "peakEwma, no ejection", role: "more", run: run(alone(peakEwma)) },
    { name: "leastRequest, no ejection", role: "more", run: run(alone(leastRequest)) },
    { name: "roundRobin, no ejection", role: "control", run: run(alone(roundRobin)) },
  ],
  holds: ({ success = 0 }) => success >= 0.999,
  valid: (of) => Math.abs((of("roundRobin, no ejection")["success"] ?? 0) - 0.955) <= 0.005,
  chart: (of) => ({
    file: "slow-instance",
    title: "One of eleven instances takes 2 s, the deadline is 1 s",
    subtitle: "answered calls, by the second in which they began",
    x: { label: "seconds", from: 0, until: 60, ticks: [0, 15, 30, 45, 60] },
    y: { label: "answered", from: 85, until: 100, ticks: [85, 90, 95, 100], unit: " %" },
    band: { from: slowMs / 1_000, until: wellMs / 1_000, label: "one is slow" },
    lines: [
      { label: "round robin", kind: "control", points: of("roundRobin, no ejection").series?.["success"] ?? [] },
      { label: "least request", kind: "more", points: of("leastRequest, no ejection").series?.["success"] ?? [] },
      { label: "connect-mesh by default", kind: "mesh", points: of("the default").series?.["success"] ?? [] },
    ],
  }),
};

function alone(balancer: (sources: Sources) => Balancer): (sources: Sources) => SimClientInit {
  return (sources) => ({ balancer: balancer(sources), outlier: false });
}

function run(init: (sources: Sources) => SimClientInit): (seed: number) => Promise<Trial> {
  return async (seed) => {
    using world = new World(seed, init);
    const usual = logNormal(167, 0.3);
    const [slow] = world.start(11, () => ({ work: usual }));
    world.time.at(slowMs, () => { if (slow !== undefined) slow.work = fixed(2_000); });
    world.time.at(wellMs, () => { if (slow !== undefined) slow.work = usual; });
    await world.load(1_000, endMs);
    await world.end();
    const { ledger } = world.client;
    const success = ledger.success();
    return {
      values: { success, failed: Math.round((1 - success) * ledger.calls.between(0, endMs)) },
      series: { success: seconds(0, endMs).map((from) => [from / 1_000, 100 * ledger.success(from, from + 1_000)] as const) },
    };
  };
}
