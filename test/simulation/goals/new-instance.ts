import type { Balancer } from "../../../src/balancer/balancer.ts";
import { leastRequest } from "../../../src/balancer/least-request.ts";
import { peakEwma } from "../../../src/balancer/peak-ewma.ts";
import type { Goal, Trial } from "../goal.ts";
import { exponential } from "../random.ts";
import type { SimClientInit } from "../sim-client.ts";
import type { SimInstance } from "../sim-instance.ts";
import { seconds, starts } from "../windows.ts";
import { World } from "../world.ts";
import type { Sources } from "../world.ts";

const [joinsMs, warmMs, endMs] = [10_000, 20_000, 40_000];
/** How long the newcomer takes to get ready when the first call comes, which only then connects to its database. */
const readyMs = 1_000;

/** An instance that has just started has nothing to do and no history: a balancer that looks at load would bury it. */
export const newInstance: Goal = {
  id: "G5",
  title: "A new instance joins ten",
  setting: `10 instances with 8 servers and 40 ms of work on average (exponential), 1500 calls/s; an eleventh joins at second 10 that answers nothing in its first second; deadline 10 s`,
  wanted: "≤ 2 × the mean share in any second of its first ten, ≥ 0.5 × the mean afterwards",
  seeds: 20,
  measures: [
    { key: "most", name: "most in a second of the first ten", unit: "×" },
    { key: "later", name: "afterwards", unit: "×" },
    { key: "first", name: "in the first second", unit: "×" },
  ],
  variants: [
    { name: "the default", role: "goal", run: run((sources) => ({ balancer: peakEwma(sources) })) },
    { name: "leastRequest", role: "goal", run: run((sources) => ({ balancer: leastRequest(sources) })) },
    { name: "no slow start", role: "more", run: run((sources) => ({ balancer: peakEwma({ ...sources, slowStart: false }) })) },
    {
      name: "the least latency × load of all",
      role: "control",
      run: run(({ now }) => ({ balancer: leastOfAll(now), outlier: false })),
    },
  ],
  holds: ({ most = Infinity, later = 0 }) => most <= 2 && later >= 0.5,
  chart: (of) => ({
    file: "new-instance",
    title: "An eleventh instance joins at second 10",
    subtitle: "its calls relative to the mean of all instances, by half second",
    x: { label: "seconds", from: 8, until: 30, ticks: [8, 10, 15, 20, 25, 30] },
    y: { label: "share", from: 0, until: 12, ticks: [0, 2, 4, 6, 8, 10, 12], unit: " ×" },
    level: { y: 2, label: "twice the mean" },
    lines: [
      {
        label: "the least latency × load of all",
        kind: "control",
        points: of("the least latency × load of all").series?.["share"] ?? [],
      },
      { label: "connect-mesh by default", kind: "mesh", points: of("the default").series?.["share"] ?? [] },
    ],
  }),
};

/** What one would do first: no draw, no slow start, and who has no history has no cost. */
function leastOfAll(now: () => number): Balancer {
  return (peers) => () => {
    const costs = peers.map(({ latency, inFlight }) => latency.expectedMs(now()) * (inFlight + 1));
    return peers[costs.indexOf(Math.min(...costs))];
  };
}

function run(init: (sources: Sources) => SimClientInit): (seed: number) => Promise<Trial> {
  return async (seed) => {
    using world = new World(seed, (sources) => ({ ...init(sources), deadlineMs: 10_000 }));
    const usual = exponential(40);
    world.start(10, () => ({ work: usual, servers: 8 }));
    const wait = (): number => Math.max(0, joinsMs + readyMs - world.time.now());
    let joined: SimInstance | undefined;
    world.time.at(joinsMs, () => {
      [joined] = world.start(1, () => ({ work: (random) => usual(random) + wait(), servers: 8 }));
    });
    await world.load(1_500, endMs);
    await world.end();
    const share = (from: number, until: number): number =>
      (11 * (joined?.arrivals.between(from, until) ?? 0)) / world.client.ledger.attempts.between(from, until);
    const halves = seconds(8_000, 30_000).flatMap((from) => [from, from + 500]);
    return {
      values: {
        most: Math.max(...starts(joinsMs, warmMs, 1_000).map((from) => share(from, from + 1_000))),
        first: share(joinsMs, joinsMs + 1_000),
        later: share(warmMs, endMs),
      },
      series: { share: halves.map((from) => [from / 1_000 + 0.25, share(from, from + 500)] as const) },
    };
  };
}
