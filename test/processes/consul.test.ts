import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { consul, createMesh, roundRobin, subscribe } from "../../src/index.ts";
import type { Mesh, MeshEventName } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { hasConsul, startConsul } from "../support/consul-agent.ts";
import type { ConsulAgent } from "../support/consul-agent.ts";
import { GreeterProcess } from "../support/greeter-process.ts";
import { Load } from "../support/load.ts";

/** Calls a second. */
const rate = 150;

let agent: ConsulAgent;
let mesh: Mesh;
const greeters: GreeterProcess[] = [];
const counts = new Map<MeshEventName, number>();
const ends: Array<() => void> = [];

function count(name: MeshEventName): number {
  return counts.get(name) ?? 0;
}

async function start(many: number, drainDelayMs?: number): Promise<void> {
  const started = Array.from({ length: many }, () => GreeterProcess.start(agent.address, drainDelayMs));
  greeters.push(...(await Promise.all(started)));
}

/** A client mesh that balances over all greeters, and a call that tells who answered. */
async function caller(): Promise<() => Promise<string>> {
  mesh = createMesh({ registry: consul({ address: agent.address }), balancer: roundRobin() });
  const greet = mesh.client(GreetService);
  const seen = new Set<string>();
  await until(async () => seen.add((await greet.greet({})).instance).size === greeters.length);
  return async () => (await greet.greet({ name: "Ada" })).instance;
}

describe.skipIf(!hasConsul)("a fleet over a real Consul", { timeout: 90_000 }, () => {
  beforeAll(async () => {
    agent = await startConsul();
    for (const name of ["call.retry", "peer.lost", "registry.stale", "registry.recovered"] as const) {
      ends.push(subscribe(name, () => counts.set(name, count(name) + 1)));
    }
  });

  afterEach(async () => {
    await mesh.close();
    await Promise.all(greeters.splice(0).map((greeter) => greeter.kill()));
    // What was killed stays registered until its time is over: not for the next test.
    await agent.restart();
    counts.clear();
  });

  afterAll(async () => {
    for (const end of ends) end();
    await agent[Symbol.asyncDispose]();
  });

  test("four instances get 25 of 100 calls each", async () => {
    await start(4);
    const call = await caller();
    const by: Record<string, number> = {};
    for (let turn = 0; turn < 100; turn++) {
      const instance = await call();
      by[instance] = (by[instance] ?? 0) + 1;
    }
    expect(Object.values(by)).toEqual([25, 25, 25, 25]);
    expect(Object.keys(by).sort()).toEqual(greeters.map(({ id }) => id).sort());
  });

  test("a killed instance of three costs no idempotent call, and Consul drops it", async () => {
    await start(3);
    const load = new Load(await caller(), rate);
    await until(() => load.ok > rate);
    const victim = greeters[0]!;
    await victim.kill();
    const answered = load.ok;
    await until(() => load.ok > answered + rate);
    load.take();
    const later = load.ok;
    await until(() => load.ok > later + rate);
    const by = load.take();
    expect(Object.keys(by).sort()).toEqual([greeters[1]!.id, greeters[2]!.id].sort());
    await until(
      async () => {
        const { body } = await agent.api("GET", "/v1/health/service/greeter?passing=true");
        return (body as unknown[]).length === 2;
      },
      { timeoutMs: 20_000 },
    );
    const { sent, ok, failed } = await load.stop();
    expect(failed).toEqual({});
    expect(ok).toBe(sent);
    expect(count("peer.lost")).toBeGreaterThan(0);
  });

  test("an agent that is away for 20 s and comes back empty costs no call", async () => {
    await start(3);
    const load = new Load(await caller(), rate);
    await until(() => load.ok > rate);
    await agent.stop();
    await until(() => count("registry.stale") > 0, { timeoutMs: 20_000 });
    const away = performance.now() + 20_000;
    await until(() => performance.now() > away, { timeoutMs: 30_000 });
    await agent.restart();
    await until(
      async () => {
        const { body } = await agent.api("GET", "/v1/health/service/greeter?passing=true");
        return (body as unknown[]).length === 3;
      },
      { timeoutMs: 30_000 },
    );
    await until(() => count("registry.recovered") > 0, { timeoutMs: 40_000 });
    load.take();
    const answered = load.ok;
    await until(() => load.ok > answered + rate);
    expect(Object.keys(load.take()).sort()).toEqual(greeters.map(({ id }) => id).sort());
    const { sent, ok, failed } = await load.stop();
    expect(failed).toEqual({});
    expect(ok).toBe(sent);
  });

  /** How often calls met an instance that was leaving. */
  const raced = (): number => count("call.retry") + count("peer.lost");

  /** Replaces each instance by a new one, under load. Resolves to what the callers saw. */
  async function rollingRestart(drainDelayMs: number, rounds: () => number) {
    await start(3, drainDelayMs);
    const load = new Load(await caller(), rate);
    await until(() => load.ok > rate);
    for (let round = 0; round < rounds(); round++) {
      for (const old of greeters.slice()) {
        await start(1, drainDelayMs);
        expect(await old.stop()).toBe(0);
        greeters.splice(greeters.indexOf(old), 1);
      }
    }
    load.take();
    await until(() => Object.keys(load.take()).length === 3, { intervalMs: 200 });
    return load.stop();
  }

  test("a rolling restart of all three under load fails no call and meets no closed door", async () => {
    const { sent, ok, failed } = await rollingRestart(4_000, () => 1);
    expect(failed).toEqual({});
    expect(ok).toBe(sent);
    expect(raced()).toBe(0);
  });

  test("control: without the drain delay the same restart runs into closed doors", async () => {
    // It is a race: a caller may be told in time once, but hardly again and again.
    const { failed } = await rollingRestart(0, () => (raced() > 0 ? 1 : 4));
    const lost = Object.values(failed).reduce((sum, many) => sum + many, 0);
    expect(raced() + lost).toBeGreaterThan(0);
  });
});
