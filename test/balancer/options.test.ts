import { describe, expect, test } from "vitest";
import { leastRequest } from "../../src/balancer/least-request.ts";
import type { BalancerOptions } from "../../src/balancer/options.ts";
import { peakEwma } from "../../src/balancer/peak-ewma.ts";
import { ringHash } from "../../src/balancer/ring-hash.ts";
import { roundRobin } from "../../src/balancer/round-robin.ts";
import { first } from "../../src/balancer/first.ts";
import { slowStart } from "../../src/balancer/slow-start.ts";
import { weighted } from "../../src/balancer/weighted.ts";
import { zonePreference } from "../../src/balancer/zone.ts";
import { reasonOf } from "../../src/error.ts";

const factories = { roundRobin, weighted, leastRequest, peakEwma, ringHash };

/** What a factory says to options, also to those that have not its type. */
function refusalOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
    return String(error);
  }
  return "no error";
}

describe.each(Object.entries(factories))("the options of %s", (name, factory) => {
  test.each([
    [{ slowStart: { windowMs: -1 } }, "slowStart.windowMs to -1: it must be 0 or more"],
    [{ slowStart: { windowMs: Infinity } }, "slowStart.windowMs to Infinity"],
    [{ slowStart: { minShare: 2 } }, "slowStart.minShare to 2: it must be from 0 to 1"],
    [{ slowStart: { aggression: 0 } }, "slowStart.aggression to 0: it must be above 0"],
    [{ slowStart: { window: 1 } }, "slowStart.window though there is no such option: there are windowMs, aggression, minShare"],
    [{ slowStart: true }, "slowStart to true: it must be an object with options, or false"],
    [{ zone: { own: "a", minPeers: -1 } }, "zone.minPeers to -1: it must be 0 or more, or Infinity"],
    [{ zone: { own: 5 } }, "zone.own to 5: it must be a text"],
    [{ zone: 5 }, "zone to 5: it must be an object with options"],
    [{ random: 0.5 }, "random to 0.5: it must be a function"],
    [{ zon: "a" }, "zon though there is no such option: there are slowStart, zone, random, now"],
  ])("that make no sense are an error: %j", (options, message) => {
    expect(refusalOf(() => factory(options as unknown as BalancerOptions))).toContain(`the options of ${name} set ${message}`);
  });

  test("that make sense at the bounds are none", () => {
    const options = { slowStart: { windowMs: 0, minShare: 0 }, zone: { own: "", minPeers: Infinity } };
    expect(refusalOf(() => factory(options))).toBe("no error");
    expect(refusalOf(() => factory({ slowStart: false, zone: "a", random: undefined }))).toBe("no error");
  });
});

describe("what adds to a balancer", () => {
  test("looks at its own options", () => {
    expect(refusalOf(() => slowStart(first(), { minShare: -1 }))).toContain("the options of slowStart set minShare to -1: it must be from 0 to 1");
    expect(refusalOf(() => zonePreference(first(), { own: "a", minPeers: Number.NaN }))).toContain(
      "the options of zonePreference set minPeers to NaN",
    );
  });
});
