import { performance } from "node:perf_hooks";
import { until } from "../../../src/testing/until.ts";
import type { Scenario } from "../scenario.ts";
import { inTurn, lasting } from "../stage.ts";

/** Processes that end, stop, or block. */
export const deaths: readonly Scenario[] = [
  {
    id: "F1",
    title: "kill -9 of one of three, method that may be repeated",
    expected: "no call fails, none is over its deadline, nothing goes there a second later",
    control: "no retries",
    play: async (stage, feature) => {
      const [victim] = await stage.fleet(3, { behaviour: { delayMs: 40 } });
      const traffic = await stage.traffic({}, feature ? {} : { retry: false });
      await victim?.kill();
      const killedMs = performance.now();
      await lasting(2_500);
      await traffic.stop();
      return {
        sent: traffic.sent,
        failed: traffic.failed(),
        slowestMs: traffic.slowest(),
        shareAfter: traffic.share(victim?.id ?? "", killedMs + 1_000),
      };
    },
    holds: ({ failed, slowestMs = 0, shareAfter }) => failed === 0 && slowestMs < 1_100 && shareAfter === 0,
  },
  {
    id: "F4",
    title: "The answers of one of three are lost, then its connection; method with side effects",
    expected: "no call is carried out twice, and no more fail than ran there",
    control: "the method is called as one that may be repeated, so calls do run twice",
    play: async (stage, feature) => {
      const servers = await stage.fleet(3, { proxied: true, behaviour: { delayMs: 60 } });
      const client = stage.client();
      const traffic = await stage.flow(async (text) =>
        (await (feature ? client.ask({ text }) : client.look({ text }))).text,
      );
      // Answers are lost, then the connection: the calls were carried out, which their caller cannot know.
      const [proxy] = stage.proxies;
      if (proxy !== undefined) proxy.toxics = { blackHole: "down" };
      await lasting(150);
      proxy?.reset();
      if (proxy !== undefined) proxy.toxics = { refuse: true };
      await lasting(1_500);
      await traffic.stop();
      const executed = (await Promise.all(servers.map((server) => server.seen()))).reduce((sum, { calls }) => sum + calls, 0);
      return { sent: traffic.sent, failed: traffic.failed(), executedMoreThanOnce: Math.max(0, executed - traffic.sent) };
    },
    holds: ({ failed = Infinity, executedMoreThanOnce }) => executedMoreThanOnce === 0 && failed > 0 && failed < 40,
  },
  {
    id: "F2",
    title: "SIGSTOP of one of three for 6 s, then SIGCONT",
    expected: "≤ 5 % of the calls fail while it is stopped, none in the last 2 s of that; it gets calls again",
    control: "no ejection (round robin in both)",
    play: async (stage, feature) => {
      const [victim] = await stage.fleet(3);
      const outlier = { intervalMs: 1_000, baseEjectionMs: 1_500 };
      const traffic = await stage.traffic(
        { timeoutMs: 500, balancer: inTurn(), outlier: feature ? outlier : false },
      );
      victim?.signal("SIGSTOP");
      const stoppedMs = performance.now();
      await lasting(6_000);
      victim?.signal("SIGCONT");
      const wellMs = performance.now();
      await until(() => traffic.share(victim?.id ?? "", wellMs) > 0, { timeoutMs: 20_000 });
      await lasting(500);
      await traffic.stop();
      return {
        sent: traffic.sent,
        failedWhileStopped: traffic.failed(stoppedMs, wellMs),
        shareFailed: traffic.failed(stoppedMs, wellMs) / traffic.count(stoppedMs, wellMs),
        // A probe may be on its way at any time.
        failedInTheLast2s: traffic.failed(wellMs - 2_000, wellMs - 500),
        shareAfter: traffic.share(victim?.id ?? "", wellMs),
      };
    },
    holds: ({ shareFailed = 1, failedInTheLast2s = 9, shareAfter = 0 }) =>
      shareFailed <= 0.05 && failedInTheLast2s <= 1 && shareAfter > 0,
  },
  {
    id: "F31",
    title: "The event loop of one of three stalls for 2 s",
    expected: "≤ 10 % of the calls of that time fail",
    control: "round robin, no ejection",
    play: async (stage, feature) => {
      const [victim] = await stage.fleet(3);
      const traffic = await stage.traffic(
        { timeoutMs: 300, ...(feature ? {} : { outlier: false, balancer: inTurn() }) },
      );
      victim?.behave({ stallMs: 2_000 });
      const stalledMs = performance.now();
      await lasting(2_000);
      await traffic.stop();
      return { sent: traffic.sent, failed: traffic.failed(stalledMs), shareFailed: traffic.failed(stalledMs) / traffic.count(stalledMs) };
    },
    holds: ({ shareFailed = 1 }) => shareFailed <= 0.1,
  },
];
