import { performance } from "node:perf_hooks";
import { peakEwma } from "../../../src/index.ts";
import type { Scenario } from "../scenario.ts";
import { lasting, random } from "../stage.ts";

/** Servers in zones. */
export const zones: readonly Scenario[] = [
  {
    id: "F39",
    title: "kill -9 of one of three servers of the own zone, of three zones",
    expected:
      "≥ 99 % of the calls in the own zone before, 67 to 83 % after (three quarters are as much as leaves all equally loaded), no call fails",
    control: "no zone",
    play: async (stage, feature) => {
      const own = await stage.fleet(3, { zone: "a" });
      for (const zone of ["b", "c"]) await stage.fleet(3, { zone });
      const balancer = peakEwma({ random: random(), zone: feature ? "a" : undefined });
      const client = stage.client({ balancer });
      const traffic = await stage.flow(async (text) => (await client.look({ text })).text, 150, own);
      const inOwn = (fromMs: number, untilMs: number): number =>
        own.reduce((sum, { id }) => sum + traffic.share(id, fromMs, untilMs), 0);
      const fromMs = performance.now();
      await lasting(2_000);
      await own[0]?.kill();
      const killedMs = performance.now();
      await lasting(4_500);
      await traffic.stop();
      return {
        sent: traffic.sent,
        failed: traffic.failed(),
        ownBefore: inOwn(fromMs, killedMs - 500),
        ownAfter: inOwn(killedMs + 500, Infinity),
      };
    },
    holds: ({ failed, ownBefore = 0, ownAfter = 0 }) => failed === 0 && ownBefore >= 0.99 && ownAfter >= 0.67 && ownAfter <= 0.83,
  },
];
