import { createServer } from "node:net";
import { performance } from "node:perf_hooks";
import { until } from "../../../src/testing/until.ts";
import { Caller } from "../caller.ts";
import type { Scenario } from "../scenario.ts";
import { lasting } from "../stage.ts";

const hourMs = 3_600_000;
const name = "server.test";
const [first, second] = ["127.0.0.2", "127.0.0.3"];

/** Why the loopback has only one address; undefined when it has more. */
function lacksAddresses(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer().once("error", () => { resolve(`the loopback of this machine has no ${second}`); });
    probe.listen(0, second, () => probe.close(() => { resolve(undefined); }));
  });
}

/** What processes take from the machine: the time, and names. */
export const surroundings: readonly Scenario[] = [
  {
    id: "F33",
    title: "The wall clock of a client and three servers jumps an hour ahead, two back, and to where it was, under load",
    expected:
      "no call fails, ends early or takes longer, nobody is ejected or lost, what the client has measured stays plausible, and every server keeps its share",
    control: "deadlines and latencies by the wall clock",
    play: async (stage, feature) => {
      const concurrency = { adaptive: true, maxCalls: 100 };
      const servers = await stage.fleet(3, { ownClock: true, concurrency, behaviour: { delayMs: 30 } });
      const caller = stage.own(await Caller.start({ servers: stage.servers.map(({ id, address }) => ({ id, address })), perSecond: 150, wallClock: !feature }));
      await until(async () => Object.values((await caller.report()).shares).every((share) => share > 0.1), { timeoutMs: 20_000, intervalMs: 100 });
      const { nowMs } = await caller.report();
      for (const clock of [hourMs, -hourMs, 0, hourMs, 0]) {
        for (const one of servers) one.setClock(clock);
        caller.surround({ clock });
        await lasting(1_000);
      }
      const { sent, failed, slowestMs, shares, ejected, lost, leastExpectedMs, mostExpectedMs } = await caller.report(nowMs);
      const seen = await Promise.all(servers.map((server) => server.seen()));
      return {
        sent,
        failed,
        slowestMs,
        ejected,
        lost,
        abortedAtServers: seen.reduce((sum, { aborted }) => sum + aborted, 0),
        leastShare: Math.min(...Object.values(shares)),
        leastExpectedMs,
        mostExpectedMs,
      };
    },
    holds: ({ failed, slowestMs = Infinity, ejected, lost, abortedAtServers, leastShare = 0, leastExpectedMs = 0, mostExpectedMs = Infinity }) =>
      failed === 0 &&
      slowestMs < 800 &&
      ejected === 0 &&
      lost === 0 &&
      abortedAtServers === 0 &&
      leastShare >= 0.15 &&
      leastExpectedMs >= 20 &&
      mostExpectedMs <= 400,
  },
  {
    id: "F36, host name",
    title: "The name of a server at a fixed address resolves to nothing, then its process dies and there is another at another address",
    expected:
      "no call fails while only the name is gone; calls are answered at the new address within 5 s, and none fails afterwards",
    control: "the address that the name had in the beginning",
    lacks: lacksAddresses,
    play: async (stage, feature) => {
      const [old] = await stage.fleet(1, { listen: { host: first } });
      const port = old?.port ?? 0;
      const address = `http://${feature ? name : first}:${port}`;
      const caller = stage.own(await Caller.start({ servers: [{ id: "server", address }], perSecond: 50, hosts: { [name]: first } }));
      await until(async () => (await caller.report()).sent > 25, { timeoutMs: 20_000, intervalMs: 100 });
      const well = await caller.report();
      caller.surround({ hosts: { [name]: null } });
      await lasting(2_000);
      const nameless = await caller.report(well.nowMs);
      await old?.kill();
      await lasting(4_000);
      const down = await caller.report(nameless.nowMs);
      await stage.fleet(1, { listen: { host: second, port } });
      caller.surround({ hosts: { [name]: second } });
      const fromMs = performance.now();
      const back = await until(
        async () => {
          const { sent, failed } = await caller.report(down.nowMs);
          return sent > failed;
        },
        { timeoutMs: 10_000, intervalMs: 100 },
      ).then(() => true, () => false);
      const backAfterMs = performance.now() - fromMs;
      const begun = await caller.report();
      await lasting(1_000);
      const after = await caller.report(begun.nowMs);
      return {
        sentWithoutName: nameless.sent,
        failedWithoutName: nameless.failed,
        callsWithoutServer: down.sent,
        lookupsWithoutServer: down.lookups - nameless.lookups,
        back: back ? 1 : 0,
        backAfterMs,
        failedAfter: after.failed,
      };
    },
    holds: ({ failedWithoutName, back, backAfterMs = Infinity, failedAfter }) =>
      failedWithoutName === 0 && back === 1 && backAfterMs <= 5_000 && failedAfter === 0,
  },
];
