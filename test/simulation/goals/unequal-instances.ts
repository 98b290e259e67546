import { leastRequest } from "../../../src/balancer/least-request.ts";
import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import { roundRobin } from "../../../src/balancer/round-robin.ts";
import type { Goal, Series, Trial } from "../goal.ts";
import { quantile } from "../ledger.ts";
import { exponential } from "../random.ts";
import type { SimClientInit } from "../sim-client.ts";
import { World } from "../world.ts";
import type { Sources } from "../world.ts";

const servers = 4;
const workMs = 10;
/** Eight whole instances and two halves, in calls a second. */
const capacity = (9 * servers * 1_000) / workMs;
const [warmMs, endMs] = [2_000, 12_000];

const clients = {
  "the default": (sources: Sources): SimClientInit => ({ balancer: peakEwma(sources), deadlineMs: 5_000 }),
  "leastRequest, no ejection": (sources: Sources): SimClientInit => ({
    balancer: leastRequest(sources),
    outlier: false,
    deadlineMs: 5_000,
  }),
  "roundRobin, no ejection": (sources: Sources): SimClientInit => ({
    balancer: roundRobin(sources),
    outlier: false,
    deadlineMs: 5_000,
  }),
};

/** Instances that are not alike, close to what they can take together. */
export const unequalInstances: Goal = {
  id: "G2",
  title: "Two of ten instances at half speed, at 90 % of what all can take",
  setting:
    "10 instances with 4 servers and 10 ms of work on average (exponential), two of them twice as slow; 3240 calls/s, deadline 5 s",
  wanted: "p99 ≤ 0.5 × round robin",
  seeds: 20,
  measures: [
    { key: "p99", name: "p99", unit: "ms" },
    { key: "success", name: "answered", unit: "%" },
    { key: "p50", name: "median", unit: "ms" },
  ],
  variants: [
    { name: "the default", role: "goal", run: withCurve("the default") },
    { name: "leastRequest, no ejection", role: "more", run: withCurve("leastRequest, no ejection") },
    { name: "roundRobin, no ejection", role: "control", run: withCurve("roundRobin, no ejection") },
  ],
  holds: ({ p99 = Infinity }, of) => p99 <= 0.5 * (of("roundRobin, no ejection")["p99"] ?? 0),
  chart: (of) => ({
    file: "unequal-instances",
    title: "Two of ten instances work at half speed",
    subtitle: "p99 of all calls by load, where 100 % is what all instances can take together; the work is 10 ms on average",
    x: { label: "load", from: 30, until: 100, ticks: [30, 40, 50, 60, 70, 80, 90, 100], unit: " %" },
    y: { label: "p99", from: 20, until: 5_000, ticks: [20, 50, 100, 200, 500, 1_000, 2_000, 5_000], unit: " ms", log: true },
    lines: [
      { label: "round robin", kind: "control", points: of("roundRobin, no ejection").series?.["p99"] ?? [] },
      { label: "least request", kind: "more", points: of("leastRequest, no ejection").series?.["p99"] ?? [] },
      { label: "connect-mesh by default", kind: "mesh", points: of("the default").series?.["p99"] ?? [] },
    ],
  }),
};

/** One load for the figures; in the first seed also others, for the chart. */
function withCurve(name: keyof typeof clients): (seed: number) => Promise<Trial> {
  return async (seed) => {
    const values = await at(0.9, name, seed);
    const points: Array<Series[number]> = [];
    for (const load of seed === 1 ? [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.95, 1] : []) {
      points.push([load * 100, (await at(load, name, seed)).p99]);
    }
    points.push([90, values.p99]);
    return { values, series: { p99: points.sort(([one], [other]) => one - other) } };
  };
}

async function at(load: number, name: keyof typeof clients, seed: number) {
  using world = new World(seed, clients[name]);
  world.start(10, (index) => ({ work: exponential(index < 2 ? workMs * 2 : workMs), servers }));
  await world.load(load * capacity, endMs);
  await world.end();
  const { ledger } = world.client;
  const latencies = ledger.latencies(warmMs);
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), success: ledger.success(warmMs, endMs) };
}
