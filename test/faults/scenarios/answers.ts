import { performance } from "node:perf_hooks";
import { Code } from "@connectrpc/connect";
import type { Scenario } from "../scenario.ts";
import { inTurn, lasting } from "../stage.ts";

/** Processes that answer slowly or badly. */
export const answers: readonly Scenario[] = [
  {
    id: "F5",
    title: "One of four takes 2 s, the deadline is 1 s",
    expected: "≥ 99 % of the calls of 8 s are answered",
    control: "round robin, no ejection",
    play: async (stage, feature) => {
      const [slow] = await stage.fleet(4, { behaviour: { delayMs: 20 } });
      const traffic = await stage.traffic(feature ? {} : { balancer: inTurn(), outlier: false });
      slow?.behave({ delayMs: 2_000 });
      const fromMs = performance.now();
      await lasting(8_000);
      await traffic.stop();
      return { sent: traffic.count(fromMs), failed: traffic.failed(fromMs), success: 1 - traffic.failed(fromMs) / traffic.count(fromMs) };
    },
    holds: ({ success = 0 }) => success >= 0.99,
  },
  {
    id: "F6",
    title: "One of four fails at once with unavailable",
    expected: "no call fails, ≤ 2 % of all attempts go there",
    control: "round robin, no ejection, no retries",
    play: async (stage, feature) => {
      const [bad] = await stage.fleet(4);
      const traffic = await stage.traffic(
        feature ? {} : { balancer: inTurn(), outlier: false },
        feature ? {} : { retry: false },
      );
      const before = await bad?.seen();
      bad?.behave({ failing: 1 });
      const fromMs = performance.now();
      await lasting(3_000);
      await traffic.stop();
      const attempts = ((await bad?.seen())?.calls ?? 0) - (before?.calls ?? 0);
      return { sent: traffic.count(fromMs), failed: traffic.failed(fromMs), share: attempts / traffic.count(fromMs) };
    },
    holds: ({ failed, share = 1 }) => failed === 0 && share <= 0.02,
  },
  {
    id: "F7",
    title: "One of five fails 30 % of its calls with internal",
    expected: "it is ejected within two sweeps of 2 s, and none of the others; then no call fails",
    control: "no ejection",
    play: async (stage, feature) => {
      const [bad] = await stage.fleet(5);
      const ejected = stage.watch("peer.ejected");
      const outlier = { intervalMs: 2_000, successRate: { requestVolume: 20 }, failurePercentage: false } as const;
      const traffic = await stage.traffic({ balancer: inTurn(), outlier: feature ? outlier : false });
      bad?.behave({ failing: 0.3, code: Code.Internal });
      const fromMs = performance.now();
      await lasting(6_000);
      const laterMs = fromMs + 4_100;
      await traffic.stop();
      return {
        sent: traffic.count(fromMs),
        failed: traffic.failed(fromMs),
        failedAfterTwoSweeps: traffic.failed(laterMs),
        ejected: ejected(),
      };
    },
    holds: ({ failedAfterTwoSweeps, ejected }) => failedAfterTwoSweeps === 0 && ejected === 1,
  },
  {
    id: "F8",
    title: "All four fail for 9.5 s",
    expected: "≤ 1.25 attempts a call besides the 100 that are always allowed within 10 s, callers see what the servers say, ≥ 99 % answered in the second after",
    control: "a budget without bounds",
    play: async (stage, feature) => {
      const servers = await stage.fleet(4);
      const traffic = await stage.traffic(feature ? {} : { retryBudget: { minPerSecond: 1e6 } });
      // The budget counts the calls of the last 10 s.
      await lasting(feature ? 10_000 : 1_000);
      const calls = async (): Promise<number> =>
        (await Promise.all(servers.map((server) => server.seen()))).reduce((sum, seen) => sum + seen.calls, 0);
      const before = await calls();
      const fromMs = performance.now();
      for (const server of servers) server.behave({ failing: 1 });
      await lasting(9_500);
      const attempts = (await calls()) - before;
      for (const server of servers) server.behave({});
      const wellMs = performance.now();
      await lasting(1_500);
      await traffic.stop();
      const sent = traffic.count(fromMs, wellMs);
      const original = traffic.messages(fromMs, wellMs).filter((message) => message.includes("fails as it was told to")).length;
      return {
        sent,
        attempts,
        attemptsPerCall: attempts / sent,
        beyondTheReserve: (attempts - 100) / sent,
        original: original / Math.max(1, traffic.failed(fromMs, wellMs)),
        after: 1 - traffic.failed(wellMs + 100, wellMs + 1_100) / traffic.count(wellMs + 100, wellMs + 1_100),
      };
    },
    // Within 10 s the budget is a fifth of the calls of the 10 s before, and 100.
    holds: ({ beyondTheReserve = 9, original = 0, after = 0 }) => beyondTheReserve <= 1.25 && original >= 0.95 && after >= 0.99,
  },
  {
    id: "F40",
    title: "One of three takes 800 ms, calls are hedged after 60 ms",
    expected: "p99 ≤ 300 ms, no call fails; those that lose are stopped, long before they would be done",
    control: "no hedging",
    play: async (stage, feature) => {
      const servers = await stage.fleet(3);
      const client = stage.client({ balancer: inTurn(), outlier: false }, feature ? { hedging: { delayMs: 60 } } : {});
      const traffic = await stage.flow(async (text) => (await client.look({ text })).text, 60);
      const [slow] = servers;
      slow?.behave({ delayMs: 800 });
      const fromMs = performance.now();
      await lasting(2_500);
      await traffic.stop();
      await lasting(150);
      const seen = await slow?.seen();
      const { text } = await client.ask({ text: "once" }).catch(() => ({ text: "" }));
      const after = await Promise.all(servers.map((server) => server.seen()));
      return {
        sent: traffic.count(fromMs),
        failed: traffic.failed(fromMs),
        p99Ms: traffic.quantile(0.99, fromMs),
        losersStopped: seen?.aborted ?? 0,
        stillRunning: seen?.running ?? 0,
        askedOnce: text === "" ? 0 : 1,
        carriedOutTwiceAtOnePlace: after.reduce((sum, { repeated }) => sum + repeated, 0),
      };
    },
    holds: ({ p99Ms = Infinity, failed, losersStopped = 0, stillRunning }) =>
      p99Ms <= 300 && failed === 0 && losersStopped > 0 && stillRunning === 0,
  },
];
