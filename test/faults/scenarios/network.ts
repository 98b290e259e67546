import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import { until } from "../../../src/testing/until.ts";
import { lacksNamespaces } from "../network-namespace.ts";
import type { Counts, Scenario } from "../scenario.ts";
import { inTurn, lasting } from "../stage.ts";
import type { Stage } from "../stage.ts";
import type { Toxics } from "../toxic-proxy.ts";

/** A way to and from a server that can be cut and healed. */
interface Way {
  readonly cut: () => Promise<void>;
  readonly heal: () => Promise<void>;
}

/** Cuts the way to a server until that is noticed, or 18 s long, and heals it. */
async function vanish(stage: Stage, feature: boolean, victim: string, { cut, heal }: Way): Promise<Counts> {
  const lost = stage.watch("peer.lost");
  // An instance that is ejected gets no calls, so it must be asked without.
  const keepalive = feature ? { intervalMs: 10_000, timeoutMs: 3_000, withoutCalls: true } : undefined;
  const outlier = { baseEjectionMs: 2_000, intervalMs: 1_000 };
  const traffic = await stage.traffic({ timeoutMs: 400, balancer: inTurn(), outlier, keepalive }, {}, 60);
  await cut();
  const fromMs = performance.now();
  await until(() => lost() > 0 || performance.now() > fromMs + 18_000, { timeoutMs: 25_000 });
  const noticedAfterMs = performance.now() - fromMs;
  const noticed = lost();
  await heal();
  const healedMs = performance.now();
  if (feature) await until(() => traffic.share(victim, healedMs) > 0, { timeoutMs: 60_000 });
  const backAfterMs = performance.now() - healedMs;
  await traffic.stop();
  return { sent: traffic.count(fromMs), failed: traffic.failed(fromMs), noticed, noticedAfterMs, backAfterMs };
}

function noticedInTime({ noticed = 0, noticedAfterMs = Infinity }: Counts): boolean {
  return noticed > 0 && noticedAfterMs <= 17_500;
}

/** Networks that lose, delay, harm and cut. */
export const network: readonly Scenario[] = [
  {
    id: "F3",
    title: "All packets to and from one of three vanish",
    expected: "its connection is given up within 17 s (PING after 10 s of silence, 3 s for the answer); it gets calls again after the network heals",
    control: "no keepalive",
    play: async (stage, feature) => {
      const [victim] = await stage.fleet(3, { proxied: true });
      const [proxy] = stage.proxies;
      const harm = async (toxics: Toxics): Promise<void> => {
        if (proxy !== undefined) proxy.toxics = toxics;
      };
      return vanish(stage, feature, victim?.id ?? "", { cut: () => harm({ blackHole: "both" }), heal: () => harm({}) });
    },
    holds: noticedInTime,
  },
  {
    id: "F3, namespace",
    title: "One of three, in a network of its own, can send nothing any more",
    expected: "the same",
    control: "no keepalive",
    lacks: lacksNamespaces,
    play: async (stage, feature) => {
      const network = await stage.network();
      const [victim] = await stage.fleet(1, { network: { name: network.name, address: network.address } });
      await stage.fleet(2);
      return vanish(stage, feature, victim?.id ?? "", {
        cut: () => network.cut(),
        heal: () => network.heal(),
      });
    },
    holds: noticedInTime,
  },
  {
    id: "F27",
    title: "One connection of three is corrupted, half closed, reset, slow to close, and slow, in turn",
    // A changed byte within a message is not noticed by anybody: it may make an answer that nobody can read.
    expected: "at most one call fails, none is over its deadline, all processes live",
    control: "no retries",
    play: async (stage, feature) => {
      const servers = await stage.fleet(3, { proxied: true, behaviour: { delayMs: 20 } });
      const traffic = await stage.traffic({}, feature ? {} : { retry: false });
      const [proxy] = stage.proxies;
      const harms: readonly Toxics[] = [
        { corrupt: 0.05 },
        { latencyMs: 20, jitterMs: 30 },
        { bytesPerSecond: 20_000 },
        { slowCloseMs: 300 },
      ];
      for (const harm of harms) {
        if (proxy !== undefined) proxy.toxics = harm;
        await lasting(1_000);
        proxy?.halfClose();
        await lasting(1_000);
        proxy?.reset();
        await lasting(500);
      }
      if (proxy !== undefined) proxy.toxics = {};
      await traffic.stop();
      return {
        sent: traffic.sent,
        failed: traffic.failed(),
        slowestMs: traffic.slowest(),
        connections: proxy?.connectedMs.length ?? 0,
        lives: servers.filter(({ lives }) => lives).length,
      };
    },
    holds: ({ failed = Infinity, slowestMs = Infinity, lives }) => failed <= 1 && slowestMs < 1_200 && lives === 3,
  },
  {
    id: "F10",
    title: "The registry says none and all in turn, every 300 ms",
    expected: "no call fails, and no connection is made anew",
    control: "a sudden empty answer is believed at once",
    play: async (stage, feature) => {
      await stage.fleet(3, { proxied: true });
      const all = stage.known();
      const traffic = await stage.traffic(feature ? {} : { emptyGraceMs: 0 });
      const before = stage.proxies.reduce((sum, { connectedMs }) => sum + connectedMs.length, 0);
      for (let turn = 0; turn < 5; turn++) {
        stage.show();
        await lasting(300);
        stage.show(...all);
        await lasting(300);
      }
      await traffic.stop();
      const connections = stage.proxies.reduce((sum, { connectedMs }) => sum + connectedMs.length, 0);
      return { sent: traffic.sent, failed: traffic.failed(), madeAnew: connections - before };
    },
    holds: ({ failed, madeAnew }) => failed === 0 && madeAnew === 0,
  },
  {
    id: "F20",
    title: "Servers end connections that are a second old, under load",
    expected: "no call fails, connections are made anew",
    control: "connections are cut every second instead, and calls are not repeated",
    play: async (stage, feature) => {
      await stage.fleet(2, {
        proxied: true,
        behaviour: { delayMs: 30 },
        ...(feature ? { limits: { maxConnectionAgeMs: 1_000 } } : {}),
      });
      const traffic = await stage.traffic({}, { retry: false });
      for (let second = 0; second < 4; second++) {
        await lasting(1_000);
        if (!feature) for (const proxy of stage.proxies) proxy.reset();
      }
      await traffic.stop();
      const connections = stage.proxies.reduce((sum, { connectedMs }) => sum + connectedMs.length, 0);
      return { sent: traffic.sent, failed: traffic.failed(), connections };
    },
    holds: ({ failed, connections = 0 }) => failed === 0 && connections >= 5,
  },
  {
    id: "F22",
    title: "20 clients lose their server, which comes back after 8 s",
    expected: "no tenth of a second has the attempts of more than half of the clients (the first second left out); all are back within 10 s",
    control: "20 clients that try again every second",
    play: async (stage, feature) => {
      await stage.fleet(1, { proxied: true });
      const [proxy] = stage.proxies;
      const clients = Array.from({ length: 20 }, () => stage.client());
      await Promise.all(clients.map((client) => client.look({ text: "first" })));
      const downMs = performance.now();
      if (proxy !== undefined) proxy.toxics = { refuse: true };
      proxy?.reset();
      if (feature) await lasting(8_000);
      else {
        // Clients of the simplest kind.
        const timers = clients.map(() =>
          setInterval(() => connect(Number(new URL(proxy?.address ?? "").port), "127.0.0.1").on("error", () => {}), 1_000),
        );
        await lasting(8_000);
        for (const timer of timers) clearInterval(timer);
      }
      // The first to try again are those that lost their connection in the same moment.
      const times = proxy?.connectedMs.filter((ms) => ms > downMs + 1_500) ?? [];
      if (proxy !== undefined) proxy.toxics = {};
      const wellMs = performance.now();
      const back = await Promise.all(
        clients.map(async (client) => {
          await client.look({ text: "again" }, { timeoutMs: 15_000 });
          return performance.now() - wellMs;
        }),
      );
      const bins = new Map<number, number>();
      for (const ms of times) bins.set(Math.floor(ms / 100), (bins.get(Math.floor(ms / 100)) ?? 0) + 1);
      return {
        attempts: times.length,
        busiestTenth: Math.max(0, ...bins.values()),
        slowestBackMs: Math.max(...back),
      };
    },
    holds: ({ busiestTenth = Infinity, slowestBackMs = Infinity }) => busiestTenth <= 10 && slowestBackMs <= 10_000,
  },
];
