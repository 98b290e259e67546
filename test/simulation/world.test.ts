import { describe, expect, test } from "vitest";
import { roundRobin } from "../../src/balancer/round-robin.ts";
import { Agenda } from "./agenda.ts";
import { draw } from "./chart.ts";
import { pursue } from "./goal.ts";
import { goals } from "./goals.ts";
import { quantile } from "./ledger.ts";
import { exponential } from "./random.ts";
import { json } from "./report.ts";
import { VirtualTime } from "./virtual-time.ts";
import { World } from "./world.ts";
import { seeded } from "../resilience/virtual.ts";

describe("the simulation", () => {
  test("does what is planned in order of time, and in order of planning at the same moment", () => {
    const random = seeded(5);
    const agenda = new Agenda();
    const planned = Array.from({ length: 2_000 }, (_, turn) => ({ atMs: Math.floor(random() * 300), turn }));
    const done: Array<(typeof planned)[number]> = [];
    for (const one of planned) agenda.add(one.atMs, () => done.push(one));
    for (let next = agenda.take(); next !== undefined; next = agenda.take()) next.run();
    expect(done).toEqual(planned.toSorted((a, b) => a.atMs - b.atMs || a.turn - b.turn));
  });

  test("waits in queues as long as theory says", async () => {
    // One instance with two servers at 80 %: M/M/2. Erlang's formula gives a mean stay of 27.8 ms for 10 ms of work.
    using world = new World(3, (sources) => ({ balancer: roundRobin(sources), outlier: false, deadlineMs: 10_000 }));
    world.start(1, () => ({ work: exponential(10), servers: 2 }));
    await world.load(160, 1_000_000);
    await world.end();
    const took = world.client.ledger.latencies(5_000);
    const mean = took.reduce((sum, ms) => sum + ms, 0) / took.length;
    expect(took.length).toBeGreaterThan(150_000);
    expect(mean).toBeGreaterThan(27.8 * 0.95);
    expect(mean).toBeLessThan(27.8 * 1.05);
    expect(quantile(took, 0.5)).toBeLessThan(mean);
  });

  test("is the same for the same seed, and another for another", async () => {
    const goal = goals.find(({ id }) => id === "Restart")!;
    const first = await goal.variants[0]!.run(7);
    expect(await goal.variants[0]!.run(7)).toEqual(first);
    expect(await goal.variants[0]!.run(8)).not.toEqual(first);
  });

  test("gives the process its own time back", async () => {
    const own = (): readonly unknown[] => [setTimeout, setInterval, Math.random, Object.hasOwn(performance, "now")];
    const before = own();
    {
      using time = new VirtualTime(() => 0.5);
      expect(performance.now()).toBe(0);
      expect(() => new VirtualTime(() => 0.5)).toThrow("another virtual time");
      await time.run(1_000);
      expect([performance.now(), Math.random()]).toEqual([1_000, 0.5]);
    }
    expect(own()).toEqual(before);
  });

  test("is shown as data and as a chart for light and dark pages", async () => {
    const result = await pursue(goals.find(({ id }) => id === "G3")!, 1);
    expect(JSON.parse(json([result]))).toMatchObject([{ id: "G3", seeds: 1, reached: true }]);
    const svg = draw(result.chart!);
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg.match(/<path class="line (?:mesh|more|control)" d="M[\d.]+ [\d.]+(?:L[\d.]+ [\d.]+)+"\/>/g)).toHaveLength(3);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});
