import { Code } from "@connectrpc/connect";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EjectionReason } from "../../src/resilience/outlier.ts";
import { OutlierDetector } from "../../src/resilience/outlier.ts";
import type { OutlierOptions } from "../../src/resilience/outlier-policy.ts";
import { outlierPolicy } from "../../src/resilience/outlier-policy.ts";
import type { Outcomes } from "../../src/resilience/outcomes.ts";
import { seeded } from "./virtual.ts";

/** A peer as a client has it, with what the detector told it. */
class Peer {
  readonly told: Array<EjectionReason | "probe" | "in"> = [];
  outcomes!: Outcomes;
  eject(why: EjectionReason): void {
    this.told.push(why);
  }
  probe(): void {
    this.told.push("probe");
  }
  uneject(): void {
    this.told.push("in");
  }
  /** So many calls that end with a code, or succeed without one. */
  calls(count: number, code?: Code): void {
    for (let n = 0; n < count; n++) this.outcomes.ended(code);
  }
}

interface Fleet {
  readonly detector: OutlierDetector;
  readonly peers: readonly Peer[];
  readonly at: (index: number) => Peer;
  readonly out: () => readonly number[];
  /** What the detector's clock shows. */
  nowMs: number;
}

/** Peers under a detector that has only the rules that the options turn on. */
function fleet(size: number, options: OutlierOptions, random: () => number = () => 0): Fleet {
  const clock = { nowMs: 0 };
  const policy = outlierPolicy({
    successRate: false,
    failurePercentage: false,
    consecutiveFailures: false,
    probation: false,
    ...options,
  });
  const detector = new OutlierDetector(policy, { now: () => clock.nowMs, random });
  const peers = Array.from({ length: size }, () => {
    const peer = new Peer();
    peer.outcomes = detector.add(peer);
    return peer;
  });
  return Object.assign(clock, {
    detector,
    peers,
    at: (index: number): Peer => peers[index] ?? new Peer(),
    out: () => peers.flatMap(({ outcomes }, index) => (outcomes.standing === "in" ? [] : [index])),
  });
}

// grpc-go, outlierdetection/balancer_test.go: the numbers of TestEjectUnejectSuccessRate and TestEjectFailureRate.
const byFailures = { thresholdPercent: 50, enforcementPercent: 100, minimumHosts: 3, requestVolume: 3 };
const bySuccessRate = { stdevFactor: 500, enforcementPercent: 100, minimumHosts: 3, requestVolume: 3 };

describe("ejection as gRPC does it", () => {
  test.each([
    ["failure percentage", { failurePercentage: byFailures }],
    ["success rate", { successRate: bySuccessRate }],
  ] as const)("by %s: the one that fails is out, and back after its time", (why, options) => {
    const { detector, peers, at, out } = fleet(3, options);
    for (const peer of peers) peer.calls(5);
    detector.sweep(10_000);
    expect(out()).toEqual([]);
    at(0).calls(5);
    at(1).calls(5);
    at(2).calls(5, Code.Unavailable);
    detector.sweep(20_000);
    expect(out()).toEqual([2]);
    expect(at(2).told).toEqual([why]);
    detector.sweep(50_000);
    expect(out()).toEqual([2]);
    detector.sweep(50_001);
    expect(out()).toEqual([]);
    expect(at(2).told).toEqual([why, "in"]);
  });

  test.each([
    ["no failures", { failurePercentage: byFailures }, 0, 0],
    ["enforcement 0", { failurePercentage: { ...byFailures, enforcementPercent: 0 } }, 1, 0],
    ["no ejection allowed", { failurePercentage: byFailures, maxEjectionPercent: 0 }, 1, 0],
    ["enforcement 0 by rate", { successRate: { ...bySuccessRate, enforcementPercent: 0 } }, 1, 0],
    ["one in ten allowed", { failurePercentage: byFailures, maxEjectionPercent: 10 }, 3, 1],
    ["a third allowed", { failurePercentage: byFailures, maxEjectionPercent: 33 }, 3, 1],
    ["34 percent allowed", { failurePercentage: byFailures, maxEjectionPercent: 34 }, 3, 2],
    ["all allowed", { failurePercentage: byFailures, maxEjectionPercent: 100 }, 3, 3],
  ] as const)("ejects as many as it may: %s", (_, options, failing, ejected) => {
    const { detector, peers, out } = fleet(3, options);
    peers.forEach((peer, index) => { peer.calls(5, index < failing ? Code.Internal : undefined); });
    detector.sweep(1);
    expect(out()).toHaveLength(ejected);
    expect(detector.ejected).toBe(ejected);
  });

  test("by the percentage only above it, only with enough calls, and only with enough peers", () => {
    const failurePercentage = { thresholdPercent: 85, minimumHosts: 5, requestVolume: 50 };
    const ejects = (failures: number, calls: number, others: number): boolean => {
      const { detector, peers, at, out } = fleet(others + 1, { failurePercentage });
      for (const peer of peers.slice(1)) peer.calls(50);
      at(0).calls(calls - failures);
      at(0).calls(failures, Code.Unavailable);
      detector.sweep(1);
      return out().length > 0;
    };
    expect(ejects(86, 100, 4)).toBe(true);
    expect(ejects(85, 100, 4)).toBe(false);
    expect(ejects(49, 49, 4)).toBe(false);
    expect(ejects(50, 50, 4)).toBe(true);
    expect(ejects(50, 50, 3)).toBe(false);
  });

  test("by the rate: mean less 1.9 standard deviations, of the peers with enough calls", () => {
    // Rates 1, 1, 1, 1 and r: the mean is (4 + r)/5 and the deviation 0.4 (1 - r). r lies 0.8 (1 - r) below the
    // mean, which is 2 deviations: more than 1.9 and not more than 2.
    const ejects = (stdevFactor: number, successes: number, idle = 0): readonly number[] => {
      const { detector, peers, at, out } = fleet(5 + idle, { successRate: { stdevFactor }, maxEjectionPercent: 50 });
      for (const peer of peers.slice(1, 5)) peer.calls(100);
      for (const peer of peers.slice(5)) peer.calls(99, Code.Internal);
      at(0).calls(successes);
      at(0).calls(100 - successes, Code.Internal);
      detector.sweep(1);
      return out();
    };
    expect(ejects(1_900, 90)).toEqual([0]);
    expect(ejects(1_900, 99)).toEqual([0]);
    expect(ejects(1_900, 100)).toEqual([]);
    expect(ejects(2_100, 0)).toEqual([]);
    expect(ejects(1_900, 90, 3)).toEqual([0]);
  });

  test("counts from sweep to sweep", () => {
    const { detector, peers, at, out } = fleet(3, { failurePercentage: byFailures });
    for (const peer of peers) peer.calls(2, Code.Internal);
    detector.sweep(1);
    for (const peer of peers) peer.calls(2, Code.Internal);
    detector.sweep(2);
    expect(out()).toEqual([]);
    expect(at(0).outcomes).toMatchObject({ successes: 0, failures: 0 });
  });

  test("ejects for longer each time, up to its most, and forgets that sweep by sweep", () => {
    const peer = fleet(1, {
      failurePercentage: { thresholdPercent: 50, minimumHosts: 1, requestVolume: 1 },
      baseEjectionMs: 30,
      maxEjectionMs: 80,
    });
    const { detector, at, out } = peer;
    let nowMs = 0;
    /** Ejects the peer now and returns how long it is out. */
    const eject = (): number => {
      at(0).calls(1, Code.Internal);
      detector.sweep(nowMs);
      expect(out()).toEqual([0]);
      const sinceMs = nowMs;
      while (out().length > 0) detector.sweep(++nowMs);
      return nowMs - sinceMs;
    };
    expect([eject(), eject(), eject(), eject()]).toEqual([31, 61, 81, 81]);
    // Two sweeps that find it in take two ejections back.
    detector.sweep(nowMs);
    detector.sweep(nowMs);
    expect(eject()).toBe(81);
    for (let n = 0; n < 9; n++) detector.sweep(nowMs);
    expect(eject()).toBe(31);
  });

  test("never ejects for less than the base time", () => {
    const { detector, at, out } = fleet(1, {
      failurePercentage: { minimumHosts: 1, requestVolume: 1 },
      baseEjectionMs: 100,
      maxEjectionMs: 10,
    });
    at(0).calls(1, Code.Internal);
    detector.sweep(0);
    detector.sweep(100);
    expect(out()).toEqual([0]);
    detector.sweep(101);
    expect(out()).toEqual([]);
  });

  test("does not eject twice whom both rules find", () => {
    const { detector, peers, at } = fleet(3, {
      failurePercentage: byFailures,
      successRate: bySuccessRate,
      maxEjectionPercent: 100,
    });
    peers.forEach((peer, index) => { peer.calls(5, index === 0 ? Code.Internal : undefined); });
    detector.sweep(1);
    expect(at(0).told).toEqual(["success rate"]);
    expect(detector.ejected).toBe(1);
    at(0).calls(5, Code.Internal);
    for (const peer of peers.slice(1)) peer.calls(5);
    detector.sweep(2);
    expect(at(0).told).toEqual(["success rate"]);
    expect(at(0).outcomes.multiplier).toBe(1);
  });

  test("ejects by chance where enforcement is partial", () => {
    const random = seeded(50);
    const failurePercentage = { ...byFailures, enforcementPercent: 30, minimumHosts: 1 };
    const all = fleet(1_000, { failurePercentage, maxEjectionPercent: 100 }, random);
    for (const peer of all.peers) peer.calls(5, Code.Internal);
    all.detector.sweep(1);
    expect(all.out().length).toBeGreaterThan(250);
    expect(all.out().length).toBeLessThan(350);
  });

  test("lets all in at once when it is turned off", () => {
    const { detector, peers, at, out } = fleet(3, { failurePercentage: byFailures });
    peers.forEach((peer, index) => { peer.calls(5, index === 2 ? Code.Internal : undefined); });
    detector.sweep(1);
    detector.reset();
    expect(out()).toEqual([]);
    expect(at(2).told).toEqual(["failure percentage", "in"]);
    expect(at(2).outcomes.multiplier).toBe(0);
    expect(detector.ejected).toBe(0);
  });

  test("forgets who is gone, and keeps no place for them", () => {
    const { detector, peers, at, out } = fleet(3, { failurePercentage: { ...byFailures, minimumHosts: 1 } });
    peers.forEach((peer, index) => { peer.calls(5, index === 2 ? Code.Internal : undefined); });
    detector.sweep(1);
    expect(detector.ejected).toBe(1);
    detector.remove(at(2).outcomes);
    detector.remove(at(2).outcomes);
    expect(detector.ejected).toBe(0);
    at(2).calls(5, Code.Internal);
    at(1).calls(5, Code.Internal);
    detector.sweep(2);
    expect(out()).toEqual([1, 2]);
    expect(at(2).told).toEqual(["failure percentage"]);
  });

  test("has nothing to say about a fleet of none", () => {
    const { detector } = fleet(0, { failurePercentage: {}, successRate: { minimumHosts: 0 } });
    expect(() => { detector.sweep(1); }).not.toThrow();
  });
});

describe("ejection after failures in a row", () => {
  test("is at once, and starts anew with each answer", () => {
    const { peers, at, out } = fleet(4, { consecutiveFailures: 5 });
    at(0).calls(4, Code.Unavailable);
    at(0).calls(1);
    at(0).calls(4, Code.Internal);
    expect(out()).toEqual([]);
    at(0).calls(1, Code.Unavailable);
    expect(out()).toEqual([0]);
    expect(at(0).told).toEqual(["consecutive failures"]);
    expect(peers.slice(1).every(({ told }) => told.length === 0)).toBe(true);
  });

  test("keeps to the share that may be out, and comes when there is room", () => {
    const { detector, at, out } = fleet(3, { consecutiveFailures: 2, baseEjectionMs: 10 });
    at(0).calls(2, Code.Unavailable);
    at(1).calls(7, Code.Unavailable);
    expect(out()).toEqual([0]);
    detector.sweep(11);
    expect(out()).toEqual([]);
    at(1).calls(1, Code.Unavailable);
    expect(out()).toEqual([1]);
  });

  test("counts its time from the clock", () => {
    const all = fleet(3, { consecutiveFailures: 1, baseEjectionMs: 30 });
    all.nowMs = 1_000;
    all.at(0).calls(1, Code.Unavailable);
    all.detector.sweep(1_030);
    expect(all.out()).toEqual([0]);
    all.detector.sweep(1_031);
    expect(all.out()).toEqual([]);
  });

  test("is off where it is not wanted", () => {
    const { at, out } = fleet(3, {});
    at(0).calls(1_000, Code.Unavailable);
    expect(out()).toEqual([]);
  });
});

describe("codes", () => {
  const defaults = [
    Code.Unavailable,
    Code.DeadlineExceeded,
    Code.Internal,
    Code.Unknown,
    Code.ResourceExhausted,
    Code.DataLoss,
  ];

  test.each(Array.from({ length: 16 }, (_, index) => (index + 1) as Code))("of servers in trouble are failures: %s", (code) => {
    const { outcomes } = fleet(1, {}).at(0);
    outcomes.ended(code);
    const failed = defaults.includes(code);
    expect(outcomes.failures).toBe(failed ? 1 : 0);
    expect(outcomes.successes).toBe(failed || code === Code.Canceled ? 0 : 1);
  });

  test("are an option", () => {
    const { outcomes } = fleet(1, { codes: [Code.NotFound, Code.Canceled] }).at(0);
    for (const code of [Code.NotFound, Code.Canceled, Code.Unavailable, undefined]) outcomes.ended(code);
    expect(outcomes).toMatchObject({ failures: 2, successes: 2 });
  });

  test("of callers that gave up break no row of failures", () => {
    const { at, out } = fleet(2, { consecutiveFailures: 2 });
    at(0).calls(1, Code.Unavailable);
    at(0).calls(5, Code.Canceled);
    at(0).calls(1, Code.Unavailable);
    expect(out()).toEqual([0]);
  });
});

describe("probation", () => {
  /** A fleet whose first peer is ejected at 0 and has its probe from 31 on. */
  function onProbation(): Fleet {
    const all = fleet(3, { consecutiveFailures: 1, baseEjectionMs: 30, probation: true });
    all.at(0).calls(1, Code.Unavailable);
    all.detector.sweep(31);
    expect(all.at(0).told).toEqual(["consecutive failures", "probe"]);
    expect(all.at(0).outcomes.standing).toBe("probation");
    expect(all.detector.ejected).toBe(1);
    all.nowMs = 40;
    return all;
  }

  test("ends with an answer to the one call", () => {
    const { detector, at } = onProbation();
    at(0).outcomes.began();
    at(0).outcomes.ended(undefined);
    expect(at(0).told).toEqual(["consecutive failures", "probe", "in"]);
    expect(detector.ejected).toBe(0);
  });

  test("ends with a longer ejection when the one call fails, whatever the share that may be out", () => {
    const { detector, at } = onProbation();
    at(0).outcomes.began();
    at(0).outcomes.ended(Code.DeadlineExceeded);
    expect(at(0).told).toEqual(["consecutive failures", "probe", "failed probe"]);
    expect(detector.ejected).toBe(1);
    detector.sweep(100);
    expect(at(0).outcomes.standing).toBe("out");
    detector.sweep(101);
    expect(at(0).outcomes.standing).toBe("probation");
  });

  test("goes on when the one call was given up", () => {
    const { at } = onProbation();
    at(0).outcomes.began();
    at(0).outcomes.ended(Code.Canceled);
    expect(at(0).told.slice(2)).toEqual(["probe"]);
    at(0).outcomes.began();
    at(0).outcomes.ended(Code.NotFound);
    expect(at(0).told.slice(3)).toEqual(["in"]);
  });

  test("is not decided by calls from before it", () => {
    const { at } = onProbation();
    at(0).calls(1);
    at(0).calls(3, Code.DeadlineExceeded);
    expect(at(0).outcomes.standing).toBe("probation");
  });

  test("stays until the call comes, and through sweeps", () => {
    const { detector, at } = onProbation();
    for (let n = 0; n < 5; n++) detector.sweep(1_000 * n + 1_000);
    expect(at(0).told).toHaveLength(2);
    expect(at(0).outcomes).toMatchObject({ standing: "probation", multiplier: 1 });
  });

  test("ends without a call when ejection is turned off, or the peer goes", () => {
    const off = onProbation();
    off.detector.reset();
    expect(off.at(0).told.at(-1)).toBe("in");
    const gone = onProbation();
    gone.at(0).outcomes.began();
    gone.detector.remove(gone.at(0).outcomes);
    gone.at(0).outcomes.ended(undefined);
    expect(gone.at(0).told).toHaveLength(2);
    expect(gone.detector.ejected).toBe(0);
  });
});

describe("any history", () => {
  test("keeps count, the share that may be out, and tells each peer in turn", () => {
    const step = fc.oneof(
      fc.record({ peer: fc.nat(11), calls: fc.nat(8), failed: fc.boolean() }),
      fc.record({ sweepMs: fc.nat(40_000) }),
      fc.record({ probe: fc.nat(11), failed: fc.boolean() }),
    );
    const property = fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 0, max: 60 }), (steps, maxEjectionPercent) => {
      const all = fleet(12, {
        successRate: { minimumHosts: 3, requestVolume: 5 },
        failurePercentage: { minimumHosts: 3, requestVolume: 5 },
        consecutiveFailures: 4,
        probation: true,
        maxEjectionPercent,
      });
      for (const one of steps) {
        if ("sweepMs" in one) all.detector.sweep((all.nowMs += one.sweepMs));
        else if ("peer" in one) all.at(one.peer).calls(one.calls, one.failed ? Code.Internal : undefined);
        else {
          all.at(one.probe).outcomes.began();
          all.at(one.probe).calls(1, one.failed ? Code.Internal : undefined);
        }
        expect(all.detector.ejected).toBe(all.out().length);
        // Looked at before each ejection: the last one may go beyond.
        expect(((all.out().length - 1) / 12) * 100).toBeLessThan(Math.max(maxEjectionPercent, 1e-9));
      }
      for (const { told, outcomes } of all.peers) {
        const last = told.at(-1) ?? "in";
        expect(last === "in" ? "in" : last === "probe" ? "probation" : "out").toBe(outcomes.standing);
        expect(told.every((word, at) => word !== "in" || told[at - 1] === "probe")).toBe(true);
      }
    });
    fc.assert(property, { seed: 50, numRuns: 300 });
  });
});

describe("outlierPolicy", () => {
  test("has the defaults of gRFC A50, and failures in a row and probation besides", () => {
    expect(outlierPolicy()).toMatchObject({
      intervalMs: 10_000,
      baseEjectionMs: 30_000,
      maxEjectionMs: 300_000,
      maxEjectionPercent: 10,
      successRate: { stdevFactor: 1_900, enforcementPercent: 100, minimumHosts: 5, requestVolume: 100 },
      failurePercentage: { thresholdPercent: 85, enforcementPercent: 100, minimumHosts: 5, requestVolume: 50 },
      consecutiveFailures: 5,
      probation: true,
    });
  });

  test.each([
    [{ intervalMs: 0 }, "the options of the mesh set outlier.intervalMs to 0: it must be above 0"],
    [{ baseEjectionMs: -1 }, "baseEjectionMs to -1"],
    [{ maxEjectionMs: Number.NaN }, "maxEjectionMs to NaN"],
    [{ maxEjectionPercent: 101 }, "maxEjectionPercent to 101: it must be from 0 to 100"],
    [{ successRate: { enforcementPercent: 101 } }, "successRate.enforcementPercent to 101"],
    [{ failurePercentage: { thresholdPercent: 101 } }, "failurePercentage.thresholdPercent to 101"],
    [{ failurePercentage: { requestVolume: -1 } }, "failurePercentage.requestVolume to -1"],
    [{ failurePercentage: { minimumHosts: 1.5 } }, "failurePercentage.minimumHosts to 1.5: it must be an integer of 0 or more"],
    [{ consecutiveFailures: 0 }, "consecutiveFailures to 0"],
    [{ consecutiveFailures: 2.5 }, "consecutiveFailures to 2.5: it must be an integer of 1 or more, or false"],
    [{ codes: Code.Unavailable }, "outlier.codes to 14: it must be a list of codes of failures"],
    [{ codes: ["unavailable"] }, 'outlier.codes to ["unavailable"]: it must be a list'],
    [{ consecutive5xx: 3 }, "outlier.consecutive5xx though there is no such option: there are intervalMs"],
    [{ successRate: { stdev: 3 } }, "outlier.successRate.stdev though there is no such option"],
    [{ successRate: true }, "outlier.successRate to true: it must be an object with options, or false"],
  ])("refuses what makes no sense: %j", (options, message) => {
    expect(() => outlierPolicy(options as OutlierOptions)).toThrow(message);
  });

  test("has no interval that timers cannot hold: they would sweep all the time", () => {
    expect(outlierPolicy({ intervalMs: 1e12 }).intervalMs).toBe(2 ** 31 - 1);
  });
});
