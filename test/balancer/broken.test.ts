import { describe, expect, test } from "vitest";
import type { Peer, Picker } from "../../src/balancer/balancer.ts";
import { leastRequest } from "../../src/balancer/least-request.ts";
import { roundRobin } from "../../src/balancer/round-robin.ts";
import { testBalancer } from "../../src/testing/index.ts";
import type { TestBalancerOptions } from "../../src/testing/index.ts";
import { peer } from "./peers.ts";

/** Names of the cases that fail. */
async function failing(options: TestBalancerOptions): Promise<readonly string[]> {
  const outcomes = await Promise.all(
    testBalancer(options).map(async ({ name, run }) => ((await run().then(() => true, () => false)) ? [] : [name])),
  );
  return outcomes.flat();
}

function turns(peers: readonly Peer[]): Picker {
  let turn = 0;
  return () => peers[turn++ % peers.length];
}

let kept: readonly Peer[] = [];

/** Balancers with one thing wrong, and the case that must notice. */
const broken: ReadonlyArray<readonly [case_: string, TestBalancerOptions]> = [
  ["picks nothing when there are no peers", { create: () => (peers) => () => peers[0] ?? peer("made up") }],
  ["picks a single peer always, whatever its state", { create: () => (peers) => () => peers.find(({ inFlight }) => inFlight < 100) }],
  ["picks only peers that it was given", { create: () => (peers) => () => ({ ...peers[0]! }) }],
  [
    "picks a peer when all are in a warning, new and busy",
    { create: () => (peers) => () => peers.find(({ instance }) => instance.health !== "warning") },
  ],
  ["does not change the peers or their order", { create: () => (peers) => turns((peers as Peer[]).reverse()) }],
  [
    "keeps each set of peers to itself",
    {
      create: () => (peers) => {
        kept = peers;
        return () => kept[0];
      },
    },
  ],
  [
    "picks for calls with any key and with none",
    { create: () => (peers) => ({ hashKey }) => peers[(hashKey ?? "").length === 0 ? 99 : 0] },
  ],
  [
    "picks for calls that have tried some peers, or all",
    { create: () => (peers) => ({ tried }) => (tried !== undefined && tried.size > 2 ? undefined : peers[0]) },
  ],
  ["picks the same again, given the same chance and time", { create: () => leastRequest() }],
  [
    "allocates nothing to pick",
    {
      create: () => (peers) => {
        const pick = turns(peers);
        return (call) => {
          const idle = peers.filter(({ inFlight }) => inFlight === 0);
          return idle.length === 0 ? undefined : pick(call);
        };
      },
    },
  ],
  ["spreads calls evenly over idle peers", { create: ({ random }) => (peers) => () => peers[Math.floor(random() ** 1.1 * peers.length)] }],
  ["spreads calls over idle peers by their weights", { create: roundRobin, spread: "weight" }],
  ["gives less to a peer in a warning, and nothing when its weight is 0", { create: () => turns }],
  ["avoids a peer that has more calls running than the others", { create: roundRobin, avoidsBusy: true }],
  [
    "levels calls that do not end",
    { create: ({ random }) => (peers) => () => peers[Math.floor(random() ** 1.5 * peers.length)], avoidsBusy: true },
  ],
  ["sends calls with the same key to the same peer", { create: roundRobin, keyed: true }],
  [
    "moves only the keys of a peer that goes",
    { create: () => (peers) => ({ hashKey = "" }) => peers[Number(hashKey.slice(4)) % peers.length], keyed: true },
  ],
  ["gives a new peer less at first, and its full share later", { create: (of) => roundRobin({ ...of, slowStart: false }), warmsUp: true }],
  [
    "does not slow peers down that are all new",
    {
      create: (of) => (peers) => {
        const pick = leastRequest({ ...of, slowStart: false })(peers);
        return (call) => (peers[0]?.sinceMs === -Infinity ? pick(call) : peers[0]);
      },
      warmsUp: true,
    },
  ],
];

describe("testBalancer", () => {
  test.each(broken)("%s: a balancer that does not is found out", async (name, options) => {
    expect(await failing(options)).toContain(name);
  });

  test("every case has been seen to fail", () => {
    const all = [
      ...testBalancer({ create: roundRobin, avoidsBusy: true, keyed: true, warmsUp: true }),
      ...testBalancer({ create: roundRobin, spread: "weight" }),
    ];
    const seen = broken.map(([name]) => name);
    expect(all.map(({ name }) => name).filter((name) => !seen.includes(name))).toEqual([]);
  });
});
