import { describe, test } from "vitest";
import { first } from "../../src/balancer/first.ts";
import { leastRequest } from "../../src/balancer/least-request.ts";
import { peakEwma } from "../../src/balancer/peak-ewma.ts";
import { ringHash } from "../../src/balancer/ring-hash.ts";
import { roundRobin } from "../../src/balancer/round-robin.ts";
import { weighted } from "../../src/balancer/weighted.ts";
import { testBalancer } from "../../src/testing/index.ts";
import type { TestBalancerOptions } from "../../src/testing/index.ts";

const weighing = { spread: "weight", warmsUp: true } as const;

const balancers: Readonly<Record<string, TestBalancerOptions>> = {
  first: { create: first, spread: "any" },
  roundRobin: { create: roundRobin, warmsUp: true },
  weighted: { create: weighted, ...weighing },
  leastRequest: { create: leastRequest, ...weighing, avoidsBusy: true },
  "leastRequest of five": {
    create: (sources) => leastRequest({ ...sources, choiceCount: 5 }),
    ...weighing,
    avoidsBusy: true,
  },
  peakEwma: { create: peakEwma, ...weighing, avoidsBusy: true },
  "peakEwma in a zone": {
    create: (sources) => peakEwma({ ...sources, zone: "a" }),
    ...weighing,
    avoidsBusy: true,
  },
  // A hundred places for a peer are a sample themselves.
  ringHash: { create: ringHash, ...weighing, keyed: true, tolerance: 0.25 },
  "ringHash of gRPC's size": {
    create: (sources) => ringHash({ ...sources, ringSize: {} }),
    spread: "weight",
    tolerance: 0.25,
    warmsUp: true,
  },
};

describe.each(Object.entries(balancers))("%s", (_name, options) => {
  for (const one of testBalancer(options)) test(one.name, one.run);
});
