/**
 * Measures many instances of one component in one Consul agent, watched by
 * several client processes: `npm run registry:scale`. It takes about three
 * minutes; then the results are written to `docs/`. `--instances N`,
 * `--clients N` and `--seconds N` change the size; then nothing is written.
 * `--json` prints data instead of a table.
 *
 * It only ends processes that it started, and calls only the loopback. Ends
 * with code 1 when clients are late, idle ones are busy, or the control costs
 * no more.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { greeter } from "../examples/greeter/greeter.ts";
import { GreetService } from "../gen/greet/v1/greet_pb.ts";
import { createMesh, instance, memory } from "../src/index.ts";
import { serviceDefinition } from "../src/registry/consul/encode.ts";
import { settings } from "../src/registry/consul/options.ts";
import { until } from "../src/testing/until.ts";
import { ConsulCluster, type ConsulProcess } from "../test/support/consul-cluster.ts";
import { type Made, type Phase, phase, table } from "./registry-scale-phase.ts";
import { Watcher } from "./registry-scale-watcher.ts";
import { root } from "./run.ts";

const { values } = parseArgs({
  options: {
    instances: { type: "string" },
    clients: { type: "string" },
    seconds: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const size = Number(values.instances ?? 1_000);
const clients = Number(values.clients ?? 4);
const seconds = Number(values.seconds ?? 20);
/** Changes a second while there are many. */
const rate = 10;

const manyAtOnce = `${rate} changes a second`;
const replaced = "all replaced by new ones";
const control = `control: ${manyAtOnce}, and clients that ask as often`;

/** What is not as it should be, by name. Generous: machines differ. */
function bad(phases: readonly Phase[]): readonly string[] {
  const busy = phases.find(({ name }) => name === manyAtOnce);
  const isBad = ({ name, seconds, cpuSeconds, knownMs }: Phase): boolean => {
    // Without the bound it must cost more, or it is good for nothing.
    if (name === control) return cpuSeconds < 1.5 * (busy?.cpuSeconds ?? 0);
    if (knownMs === undefined) return cpuSeconds > seconds / 50;
    return name !== replaced && knownMs.worst > 3_000;
  };
  return phases.filter(isBad).map(({ name }) => name);
}

/** A change, and what clients hear of it. */
interface Change {
  readonly run: () => Promise<void>;
  readonly heard: string;
}

const check = settings({ check: { kind: "ttl", ttlMs: 86_400_000 } });

/** Changes what an agent holds. The instances have a few real addresses. */
function changes(agent: ConsulProcess, addresses: readonly string[]) {
  let made = 0;
  const put = async (path: string, body?: unknown): Promise<void> => {
    const { status, text } = await agent.ask(`/v1/agent/${path}`, "PUT", body);
    if (status !== 200) throw new Error(`Consul answered ${status}: ${text}`);
  };
  return {
    add: (): Change => {
      const id = `greeter-${String(made).padStart(5, "0")}`;
      const address = addresses[made++ % addresses.length] ?? "";
      const channels = { protobuf: address, json: address, grpc: address };
      const one = instance({ id, component: "greeter", services: [GreetService.typeName], channels, version: "1.0.0", zone: "a" });
      return { run: () => put("service/register", serviceDefinition(one, check)), heard: `+${id}` };
    },
    remove: (id: string): Change => ({ run: () => put(`service/deregister/${id}`), heard: `-${id}` }),
    fail: (id: string): Change => ({ run: () => put(`check/fail/service:${id}`), heard: `-${id}` }),
  };
}

async function together(count: number, all: readonly Change[]): Promise<void> {
  const left = all.slice();
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await next.run();
    }),
  );
}

async function measure(): Promise<readonly Phase[]> {
  await using resources = new AsyncDisposableStack();
  // Not one in development mode: that writes its answers for people, which doubles them.
  const { agent } = resources.use(await ConsulCluster.start({ servers: 1, agent: false }));
  const addresses: string[] = [];
  for (let at = 0; at < 3; at++) {
    const mesh = resources.use(createMesh({ registry: memory(), components: [greeter()], listen: {}, drain: { drainDelayMs: 0 } }));
    await mesh.start();
    addresses.push(mesh.address ?? "");
  }
  const { add, remove, fail } = changes(agent, addresses);
  const living: string[] = [];
  const added = (): Change => {
    const change = add();
    living.push(change.heard.slice(1));
    return change;
  };
  /** One of three kinds of changes, each to another instance. */
  const one = (at: number): Change => {
    if (at % 3 === 0) return added();
    const id = living.shift() ?? "";
    return at % 3 === 1 ? remove(id) : fail(id);
  };
  await together(8, Array.from({ length: size }, added));
  /** Clients that know everything. */
  const watch = async (requestsPerSecond?: number): Promise<readonly Watcher[]> => {
    const { address } = agent;
    const all = Array.from({ length: clients }, () => resources.use(new Watcher({ address, requestsPerSecond })));
    for (const one of all) await one.ask("call");
    await until(() => all.every((one) => one.size === living.length), { timeoutMs: 30_000, what: "clients that know all instances" });
    return all;
  };
  const watchers = await watch();
  const timed = async (change: Change): Promise<Made> => {
    const atMs = performance.timeOrigin + performance.now();
    await change.run();
    return { heard: change.heard, atMs };
  };
  const phases: Phase[] = [];
  phases.push(await phase("idle", watchers, async () => {
    // Long enough for an answer without a change, which comes after 55 s and as much as a sixteenth more.
    await delay(seconds * 3_000);
    return [];
  }));
  const kinds = [["added", added], ["removed", () => remove(living.shift() ?? "")], ["made critical", () => fail(living.shift() ?? "")]] as const;
  for (const [name, kind] of kinds) {
    phases.push(await phase(`one ${name}, every 2 s`, watchers, async () => {
      const done = [];
      for (let turn = 0; turn < Math.ceil(seconds / 4); turn++) {
        done.push(await timed(kind()));
        await delay(2_000);
      }
      return done;
    }));
  }
  /** Changes at a fixed rate, whether or not clients keep up. */
  const many = async (): Promise<readonly Made[]> => {
    const begin = performance.now();
    const running = [];
    for (let at = 0; at < rate * seconds; at++) {
      await delay(Math.max(0, begin + (at * 1_000) / rate - performance.now()));
      running.push(timed(one(at)));
    }
    return Promise.all(running);
  };
  phases.push(await phase(manyAtOnce, watchers, many));
  phases.push(await phase(replaced, watchers, async () => {
    const old = living.splice(0);
    const atMs = performance.timeOrigin + performance.now();
    const all = old.flatMap((id) => [added(), remove(id)]).reverse();
    await together(8, all);
    // From the beginning: how long until all clients have all of it.
    return all.map(({ heard }) => ({ heard, atMs }));
  }));
  for (const one of watchers) await one[Symbol.asyncDispose]();
  phases.push(await phase(control, await watch(1_000), many));
  return phases;
}

/** Replaces what is between the markers of this part of `resilience-results.md`. */
function write(section: string): void {
  const page = join(root, "docs", "resilience-results.md");
  const before = readFileSync(page, "utf8");
  const [begin, end] = ["<!-- registry-scale:begin -->", "<!-- registry-scale:end -->"];
  const [head, rest] = before.split(begin);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error(`resilience-results.md has lost one of the markers ${begin} and ${end}`);
  writeFileSync(page, `${head}${begin}\n\n${section}\n\n${end}${tail}`);
}

const phases = await measure();
const json = JSON.stringify({ instances: size, clients, phases }, undefined, 1);
const text = table(phases, `${size} instances, ${clients} clients`);
console.log(values.json ? json : text);
const notGood = bad(phases);
if (notGood.length > 0) console.error(`not as it should be: ${notGood.join("; ")}`);
process.exitCode = notGood.length === 0 ? 0 : 1;
if (values.instances === undefined && values.clients === undefined && values.seconds === undefined) {
  mkdirSync(join(root, "docs", "resilience"), { recursive: true });
  writeFileSync(join(root, "docs", "resilience", "registry-scale.json"), `${json}\n`);
  write(`${text}\n\nAs data: [JSON](resilience/registry-scale.json).`);
}
