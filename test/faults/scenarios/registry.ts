import { connect } from "node:net";
import type { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { ChannelTestService } from "../../../gen/testing/v1/channel_pb.ts";
import { GreetService } from "../../../gen/greet/v1/greet_pb.ts";
import { LibraryService } from "../../../gen/library/v1/library_pb.ts";
import { greeter } from "../../../examples/greeter/greeter.ts";
import { component, consul, createMesh, implement } from "../../../src/index.ts";
import type { Mesh, Registry } from "../../../src/index.ts";
import { until } from "../../../src/testing/until.ts";
import { ConsulCluster, lacksConsul } from "../../support/consul-cluster.ts";
import { GreeterProcess } from "../../support/greeter-process.ts";
import { forgetful, LeaderReads } from "../forgetful.ts";
import { lacksNamespaces } from "../network-namespace.ts";
import type { Counts, Scenario } from "../scenario.ts";
import { inTurn, lasting } from "../stage.ts";
import type { Stage } from "../stage.ts";
import { ToxicProxy } from "../toxic-proxy.ts";
import type { Traffic } from "../traffic.ts";

/** Heartbeats of instances may be missing for so long. */
const ttlMs = 5_000;

/** Calls greeters that a registry knows, 100 times a second, until each of them has answered. */
async function traffic(stage: Stage, registry: Registry, greeters: readonly GreeterProcess[], emptyGraceMs?: number): Promise<Traffic> {
  const mesh = stage.own(createMesh({ registry, balancer: inTurn(), timeoutMs: 1_000, emptyGraceMs }));
  const client = mesh.client(GreetService, { timeoutMs: 1_000 });
  const flow = await stage.flow(async (text) => (await client.greet({ name: text })).instance, 100);
  await until(() => greeters.every(({ id }) => flow.share(id) > 0), { timeoutMs: 20_000, what: "an answer of each greeter" });
  return flow;
}

async function start(stage: Stage, count: number, address: string): Promise<readonly GreeterProcess[]> {
  const started = await Promise.all(Array.from({ length: count }, () => GreeterProcess.start(address)));
  for (const one of started) stage.own(one);
  return started;
}

/** A greeter in this process. It registers within milliseconds. */
function hosting(stage: Stage, address: string): { readonly mesh: Mesh; readonly id: string } {
  const component = greeter();
  const registry = consul({ address, check: { kind: "ttl", ttlMs } });
  const mesh = stage.own(createMesh({ registry, components: [component], listen: {}, drain: { drainDelayMs: 0 } }));
  return { mesh, id: mesh.instanceId(component) ?? "" };
}

/** How long something takes that should happen within 60 s, in milliseconds; 60 s when it does not. */
async function took(fromMs: number, condition: () => boolean | Promise<boolean>): Promise<number> {
  await until(condition, { timeoutMs: 60_000, intervalMs: 50 }).catch(() => {});
  return performance.now() - fromMs;
}

function same(some: readonly string[], others: readonly string[]): boolean {
  return some.toSorted().join() === others.toSorted().join();
}

/** Cuts the callers' agent off for 15 s, in which an instance dies and another comes, and heals it. */
async function cutOff(
  stage: Stage,
  feature: boolean,
  cluster: ConsulCluster,
  way: { readonly cut: () => Promise<void>; readonly heal: () => Promise<void> },
): Promise<Counts> {
  const elsewhere = cluster.servers[0]!;
  const [victim, ...others] = await start(stage, 3, elsewhere.address);
  const stale = stage.watch("registry.stale");
  const registry = consul({ address: cluster.agent.address, waitMs: 2_000 });
  const flow = await traffic(stage, feature ? registry : forgetful(registry), [victim!, ...others], feature ? undefined : 0);
  await way.cut();
  const cutMs = performance.now();
  // Only what goes out is cut: questions of 2 s that are under way are still answered.
  await lasting(3_000);
  await victim!.kill();
  const killedMs = performance.now();
  const late = hosting(stage, elsewhere.address);
  await late.mesh.start();
  await lasting(12_000);
  const healedMs = performance.now();
  const shareOfDead = flow.share(victim!.id, killedMs + 1_000, healedMs);
  await way.heal();
  const newAfterMs = await took(healedMs, () => flow.share(late.id, healedMs) > 0);
  const living = [late.id, ...others.map(({ id }) => id)];
  const knownAfterMs = await took(healedMs, async () => same(await cluster.agent.passing("greeter"), living));
  await flow.stop();
  return {
    sent: flow.count(cutMs),
    failed: flow.failed(cutMs),
    toldStale: stale(),
    shareOfDead,
    newWhileCut: flow.share(late.id, killedMs, healedMs),
    newAfterMs,
    knownAfterMs,
  };
}

function wentOn({ sent = 0, failed, shareOfDead, newWhileCut, newAfterMs = Infinity, knownAfterMs = Infinity }: Counts): boolean {
  // What comes while the agent is cut off cannot be known: else it was not.
  return sent > 1_000 && failed === 0 && shareOfDead === 0 && newWhileCut === 0 && Math.max(newAfterMs, knownAfterMs) <= 45_000;
}

/** Registries that lose their leader, are cut off, or have enough of somebody. */
export const registry: readonly Scenario[] = [
  {
    id: "F12",
    title: "The leader of three Consul servers is killed, an instance registers while there is none, another is killed",
    expected: "no call fails; within 15 s there is a leader, the new instance has calls, and Consul knows who lives",
    control: "only the leader is asked, and an error is taken for an empty answer",
    lacks: lacksConsul,
    play: async (stage, feature) => {
      const cluster = stage.own(await ConsulCluster.start());
      const { address } = cluster.agent;
      const [victim, ...others] = await start(stage, 3, address);
      const registry = feature
        ? consul({ address })
        : forgetful(consul({ address: stage.own(await LeaderReads.start(address)).address }));
      const flow = await traffic(stage, registry, [victim!, ...others], feature ? undefined : 0);
      const leader = await cluster.leader();
      // Consul itself repeats for 7 s what a server that died leaves open.
      await lasting(8_000);
      const fromMs = performance.now();
      await leader?.kill();
      await victim!.kill();
      const late = hosting(stage, address);
      await late.mesh.start();
      const registeredWithoutLeader = (await cluster.leader()) === undefined ? 1 : 0;
      const leaderAfterMs = await took(fromMs, async () => (await cluster.leader()) !== undefined);
      const callsAfterMs = await took(fromMs, () => flow.share(late.id) > 0);
      const living = [late.id, ...others.map(({ id }) => id)];
      const knownAfterMs = await took(fromMs, async () => same(await cluster.agent.passing("greeter"), living));
      await lasting(1_000);
      await flow.stop();
      return { sent: flow.count(fromMs), failed: flow.failed(fromMs), registeredWithoutLeader, leaderAfterMs, callsAfterMs, knownAfterMs };
    },
    holds: ({ failed, registeredWithoutLeader, leaderAfterMs = Infinity, callsAfterMs = Infinity, knownAfterMs = Infinity }) =>
      failed === 0 && registeredWithoutLeader === 1 && Math.max(leaderAfterMs, callsAfterMs, knownAfterMs) <= 15_000,
  },
  {
    id: "F12, agent stopped",
    title: "SIGSTOP of the callers' Consul agent for 15 s, an instance dies and another comes meanwhile",
    expected: "no call fails, none goes to the dead one; within 45 s after the agent is back the new one has calls, and the agent knows who lives (pauses between questions grow to 30 s)",
    control: "an error is taken for an empty answer",
    lacks: lacksConsul,
    play: async (stage, feature) => {
      const cluster = stage.own(await ConsulCluster.start({ servers: 1 }));
      return cutOff(stage, feature, cluster, {
        cut: async () => cluster.agent.signal("SIGSTOP"),
        heal: async () => cluster.agent.signal("SIGCONT"),
      });
    },
    holds: wentOn,
  },
  {
    id: "F12, partition",
    title: "The callers' Consul agent, in a network of its own, cannot reach the three servers for 15 s, an instance dies and another comes meanwhile",
    expected: "the same",
    control: "an error is taken for an empty answer",
    lacks: async () => (await lacksConsul()) ?? (await lacksNamespaces()),
    play: async (stage, feature) => {
      const network = await stage.network();
      const cluster = stage.own(await ConsulCluster.start({ network, bind: network.address.replace(/2$/, "1") }));
      return cutOff(stage, feature, cluster, { cut: () => network.cut(), heal: () => network.heal() });
    },
    holds: wentOn,
  },
  {
    id: "F14",
    title: "Consul allows an address 5 connections; one process registers 3 components and has 12 clients of 2 services; later others take all 5 for 8 s",
    expected: "≤ 5 connections and none refused; while there are none, ≤ 5 attempts a second; no call fails",
    control: "a registry for each client, so that they share no watch",
    lacks: lacksConsul,
    play: async (stage, feature) => {
      const config = { limits: { http_max_conns_per_client: 5 } };
      const cluster = stage.own(await ConsulCluster.start({ servers: 1, agent: false, config }));
      const port = Number(new URL(cluster.agent.address).port);
      const proxy = stage.own(await ToxicProxy.start(port));
      const { address } = proxy;
      const stale = stage.watch("registry.stale");
      const recovered = stage.watch("registry.recovered");
      let most = 0;
      const looking = setInterval(() => { most = Math.max(most, proxy.connections); }, 10);
      // Consul counts a question whose asker is gone until the end of its wait.
      const waitMs = 10_000;
      const shared = consul({ address, waitMs });
      const components = [
        greeter(),
        component({ name: "channels", services: [implement(ChannelTestService, { look: () => ({ text: "channels" }) }, { partial: true })] }),
        component({ name: "library", services: [implement(LibraryService, {}, { partial: true })] }),
      ];
      const host = stage.own(createMesh({ registry: shared, components, listen: {}, drain: { drainDelayMs: 0 } }));
      const client = (): Mesh => stage.own(createMesh({ registry: feature ? shared : consul({ address, waitMs }), timeoutMs: 1_000 }));
      const greeters = Array.from({ length: 6 }, () => client().client(GreetService, { timeoutMs: 1_000 }));
      const channels = Array.from({ length: 6 }, () => client().client(ChannelTestService));
      try {
        await host.start();
        let turn = 0;
        const flow = await stage.flow((text) => {
          const at = turn++ % 12;
          return at < 6
            ? greeters[at]!.greet({ name: text }).then(({ instance }) => instance)
            : channels[at - 6]!.look({ text }).then((answer) => answer.text);
        }, 120);
        await lasting(12_000);
        const before = { most, refused: stale() };
        const attemptsPerSecond = feature ? await taken(proxy, port, stale) : 0;
        if (feature) await until(() => recovered() === stale(), { timeoutMs: 60_000, what: "answers of Consul" });
        await flow.stop();
        return { sent: flow.sent, failed: flow.failed(), mostConnections: before.most, stale: before.refused, staleWhileTaken: stale() - before.refused, attemptsPerSecond };
      } finally {
        clearInterval(looking);
      }
    },
    holds: ({ failed, mostConnections = 9, stale, attemptsPerSecond = 9 }) =>
      failed === 0 && mostConnections <= 5 && stale === 0 && attemptsPerSecond <= 5,
  },
];

/** Takes all connections from those behind a proxy, for 8 s. Resolves to how often a second they tried to get them back. */
async function taken(proxy: ToxicProxy, port: number, stale: () => number): Promise<number> {
  const held = new Set<Socket>();
  let isOver = false;
  const hold = (): void => {
    if (isOver) return;
    const socket = connect(port, "127.0.0.1");
    held.add(socket);
    socket.on("error", () => {});
    // Whoever comes too late tries again at once.
    socket.once("close", () => {
      held.delete(socket);
      setTimeout(hold, 5);
    });
  };
  for (let at = 0; at < 5; at++) hold();
  const fromMs = performance.now();
  proxy.reset();
  try {
    await until(() => stale() > 0, { what: "a client that is refused" });
    await lasting(8_000 - (performance.now() - fromMs));
  } finally {
    isOver = true;
    for (const socket of held) socket.destroy();
  }
  return proxy.connectedMs.filter((ms) => ms > fromMs).length / 8;
}
