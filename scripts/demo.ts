/**
 * The demo: three greeters and one front, each a process of its own, that find
 * each other through a registry. `PORT` is the port of the front (default
 * 8080, 0 takes a free one). `MESH_REGISTRY` names the registry; without it,
 * the demo uses a directory of its own and removes it at the end.
 */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { GreetService } from "../gen/greet/v1/greet_pb.ts";
import { unlessAborted } from "../src/async/unless-aborted.ts";
import { registryFromEnv } from "../src/index.ts";
import type { Registry } from "../src/index.ts";
import { DemoProcess, type Ready } from "./demo-process.ts";

/** Time for everything to be there, in milliseconds. */
const startMs = 45_000;
/** Time for the processes to end by themselves, in milliseconds: more than a mesh takes at most. */
const stopMs = 40_000;
/** The same when whoever stops the demo is in a hurry. */
const hurryMs = 3_000;
/** npm passes a Ctrl-C on that the terminal sends as well: two signals this close are one. */
const sameSignalMs = 500;
/** How often the demo looks whether npm is still there, in milliseconds. */
const parentMs = 250;

const processes: DemoProcess[] = [];
const stop = new AbortController();
const hurry = new AbortController();
let signalAt = -Infinity;

function onSignal(): void {
  if (performance.now() - signalAt < sameSignalMs) return;
  signalAt = performance.now();
  if (!stop.signal.aborted) {
    console.log("stopping; once more ends it at once");
    stop.abort();
  } else if (!hurry.signal.aborted) {
    console.log("ending at once");
    hurry.abort();
  }
}

/** npm passes a SIGTERM on to its shell only, which ends and leaves the demo behind. */
function stopWithNpm(): void {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onSignal();
  }, parentMs);
  timer.unref();
}

/** Waits until the registry shows the instances. Rejects when it cannot be asked. */
async function seen(registry: Registry, ids: readonly string[], signal: AbortSignal): Promise<void> {
  const target = { service: GreetService.typeName, component: "greeter" };
  for await (const { instances, problem } of registry.watch(target, signal)) {
    if (problem !== undefined) throw problem;
    if (ids.every((id) => instances.some((of) => of.id === id))) return;
  }
  throw signal.reason;
}

async function start(where: string): Promise<readonly Ready[]> {
  const late = AbortSignal.timeout(startMs);
  const signal = AbortSignal.any([stop.signal, late]);
  const registry = registryFromEnv({ MESH_REGISTRY: where });
  try {
    // A registry that is away would keep the processes waiting without a word.
    await seen(registry, [], signal);
    const env = { ...process.env, MESH_REGISTRY: where };
    const examples = join(import.meta.dirname, "..", "examples");
    for (const name of ["greeter", "greeter", "greeter", "front"]) {
      processes.push(new DemoProcess(name, join(examples, name, "main.ts"), env));
    }
    const all = await unlessAborted(Promise.all(processes.map(({ ready }) => ready)), signal);
    const greeters = all.slice(0, 3).map(({ instance }) => instance);
    await seen(registry, greeters, signal);
    return all;
  } catch (error) {
    throw late.aborted ? new Error(`the demo was not ready within ${startMs} ms`) : error;
  }
}

/** What to try, in one piece, so that whoever waits for the line `ready` gets all of it. */
function invitation(all: readonly Ready[]): string {
  const front = all.at(-1)?.address ?? "";
  const pid = processes[0]?.pid ?? 0;
  const greet = `-d '{"name":"Ada"}' -H 'content-type: application/json' ${front}/greet.v1.GreetService/Greet`;
  return [
    ...all.map(({ instance, address }, at) => `${instance}  pid ${processes[at]?.pid ?? 0}  ${address}`),
    `ready ${front}`,
    "",
    "Try, from another terminal:",
    `  curl ${greet}`,
    `  for i in 1 2 3 4 5 6; do curl -s ${greet}; echo; done`,
    `  curl ${front}/v1/greet/Ada`,
    `  printf '\\201\\244name\\243Ada' | curl --data-binary @- -H 'content-type: application/msgpack' ${front}/greet.v1.GreetService/Greet --output -`,
    `  curl ${front}/openapi.json`,
    `  curl ${front}/health`,
    `  kill -9 ${pid}  # ends one greeter; then call again`,
    "Ctrl-C stops it all.",
  ].join("\n");
}

/** Tells of each process that ends while the demo runs. */
function report(all: readonly Ready[]): void {
  processes.forEach(({ name, pid, ended }, at) => {
    void ended.then(({ how }) => {
      if (stop.signal.aborted) return;
      const what = name === "front" ? "nothing listens for your calls now" : "the others go on";
      console.log(`${all[at]?.instance ?? name} (pid ${pid}) ${how}; ${what}`);
    });
  });
}

/** Ends every process that is left. Resolves to whether all of them ended well. */
async function end(): Promise<boolean> {
  const left = processes.filter(({ hasEnded }) => !hasEnded);
  const over = new AbortController();
  const everyone = Promise.all(left.map(({ ended }) => ended));
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const one of left) one.kill(signal);
  };
  const wait = (ms: number, signal: AbortSignal): Promise<unknown> =>
    Promise.race([everyone, delay(ms, undefined, { signal }).catch(() => {})]);

  signalAll("SIGTERM");
  await wait(stopMs, AbortSignal.any([over.signal, hurry.signal]));
  signalAll("SIGTERM");
  await wait(hurryMs, over.signal);
  signalAll("SIGKILL");
  const outcomes = await everyone;
  over.abort();
  outcomes.forEach(({ clean, how }, at) => {
    const { name = "", pid = 0 } = left[at] ?? {};
    if (!clean) console.error(`${name} (pid ${pid}) ${how} instead of stopping by itself`);
  });
  return outcomes.every(({ clean }) => clean);
}

async function demo(): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  stopWithNpm();
  // Whoever read the output has gone.
  process.stdout.on("error", onSignal);
  process.once("exit", () => {
    for (const one of processes) one.kill("SIGKILL");
  });

  let where = process.env["MESH_REGISTRY"];
  if (where === undefined) {
    const directory = await mkdtemp(join(tmpdir(), "connect-mesh-demo-"));
    process.once("exit", () => {
      rmSync(directory, { recursive: true, force: true });
    });
    where = `file:${directory}`;
  }
  try {
    if (where === "memory:") throw new Error("MESH_REGISTRY is memory:, which processes cannot share");
    const all = await start(where);
    console.log(invitation(all));
    report(all);
    const gone = Promise.all(processes.map(({ ended }) => ended));
    await unlessAborted(gone, stop.signal);
    throw new Error("every process of the demo has ended");
  } catch (error) {
    if (!stop.signal.aborted) {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    }
  } finally {
    stop.abort();
    if (!(await end())) process.exitCode = 1;
  }
}

await demo();
