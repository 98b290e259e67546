import { ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { leastRequest } from "../../src/balancer/least-request.ts";
import { call, count, ofWeights, peers, seeded, sequence } from "./peers.ts";

/** Indexes as a source of chance for a number of peers. */
function indexes(of: number, ...values: readonly number[]): () => number {
  return sequence(...values.map((value) => ((value % of) + 0.5) / of));
}

describe("leastRequest", () => {
  test("compares the running calls of what is drawn (gRPC's TestLeastRequestE2E)", () => {
    const all = peers(3);
    const drawn = [0, 0, 0, 1, 1, 2, 0, 3, 1, 0, 2, 0, 0, 0, 2, 2, 2, 1];
    const pick = leastRequest({ random: indexes(3, ...drawn) })(all);
    const picked: number[] = [];
    for (let turn = 0; turn < 9; turn++) {
      const peer = pick(call);
      const at = all.findIndex((one) => one === peer);
      picked.push(at);
      all[at]!.inFlight++;
    }
    expect(picked).toEqual([0, 1, 2, 0, 1, 2, 0, 2, 1]);
  });

  test("running calls survive a new set (gRPC's TestLeastRequestPersistsCounts)", () => {
    const all = peers(3);
    const two = leastRequest({ random: indexes(2, 0, 0, 1, 1) })(all.slice(0, 2));
    const run = (pick: typeof two): void => {
      const picked = pick(call);
      for (const peer of all) if (peer === picked) peer.inFlight++;
    };
    for (let turn = 0; turn < 50; turn++) run(two);
    expect(all.map(({ inFlight }) => inFlight)).toEqual([25, 25, 0]);
    const three = leastRequest({ random: indexes(3, 0, 1, 2, 3, 4, 5), choiceCount: 3 })(all);
    for (let turn = 0; turn < 25; turn++) run(three);
    expect(all.map(({ inFlight }) => inFlight)).toEqual([25, 25, 25]);
    for (let turn = 0; turn < 3; turn++) run(three);
    expect(all.map(({ inFlight }) => inFlight)).toEqual([26, 26, 26]);
  });

  test("the busier of two gets the quarter in which it is drawn twice (gRFC A48: with replacement)", () => {
    const all = peers(2);
    all[0]!.inFlight = 1;
    const [busy = 0] = count(leastRequest({ random: seeded(1) })(all), all, 20_000);
    expect(busy / 20_000).toBeCloseTo(0.25, 1.5);
  });

  test("more choices leave less to the busiest", () => {
    const all = peers(4);
    all[0]!.inFlight = 1;
    const [two = 0] = count(leastRequest({ random: seeded(1) })(all), all, 20_000);
    const [five = 0] = count(leastRequest({ random: seeded(1), choiceCount: 5 })(all), all, 20_000);
    expect(two / 20_000).toBeCloseTo(1 / 16, 1.5);
    expect(five / 20_000).toBeLessThan(0.01);
  });

  test("running calls count relative to weights", () => {
    const all = ofWeights(30, 10);
    const pick = leastRequest({ random: seeded(1) })(all);
    for (let turn = 0; turn < 400; turn++) {
      const picked = pick(call);
      for (const peer of all) if (peer === picked) peer.inFlight++;
    }
    expect(all[0]!.inFlight / 400).toBeCloseTo(0.75, 1.5);
  });

  test("takes 2 to 10 choices: less is an error, more counts as 10", () => {
    expect(() => leastRequest({ choiceCount: 1 })).toThrow(ConnectError);
    expect(() => leastRequest({ choiceCount: Number.NaN })).toThrow("leastRequest set choiceCount to NaN: it must be an integer of 2 or more");
    let draws = 0;
    const random = (): number => {
      draws++;
      return 0;
    };
    leastRequest({ choiceCount: 100, random })(peers(3))(call);
    expect(draws).toBe(10);
  });
});
