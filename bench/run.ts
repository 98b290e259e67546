// The benchmark: every contender in turn, round after round, client and server
// in a process each. See bench/README.md.
import { fork, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { contenderOf, contenders } from "./contenders.ts";
import { messages } from "./messages.ts";
import { report } from "./report.ts";
import type { Sample } from "./report.ts";
import type { Measured, Order, Usage } from "./worker.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    only: { type: "string" },
    messages: { type: "string" },
    "in-flight": { type: "string" },
    ms: { type: "string" },
    out: { type: "string", default: ".cache/bench" },
  },
});
const quick = values.quick;
const rounds = Number(values.rounds ?? (quick ? 1 : 5));
const forMs = Number(values.ms ?? (quick ? 400 : 2_000));
const inFlights = (values["in-flight"] ?? (quick ? "32" : "1,32,256")).split(",").map(Number);
const only = values.only?.split(",");
const names = values.messages?.split(",") ?? (quick ? ["hello", "record", "tree"] : messages.map(({ name }) => name));
const streamCount = quick ? 2_000 : 10_000;

class Worker {
  readonly #child: ChildProcess;
  constructor() {
    this.#child = fork(join(import.meta.dirname, "worker.ts"), { stdio: "inherit" });
  }
  ask<T>(order: Order): Promise<T> {
    return new Promise((resolve, reject) => {
      const gone = (): void => { reject(new Error(`the worker ended at ${JSON.stringify(order)}`)); };
      this.#child.once("exit", gone);
      this.#child.once("message", ({ answer, error }: { answer: T; error?: string }) => {
        this.#child.off("exit", gone);
        if (error === undefined) resolve(answer);
        else reject(new Error(error));
      });
      this.#child.send(order);
    });
  }
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    await Promise.race([this.ask({ do: "close" }), ended]).catch(() => {});
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3_000);
    await ended;
    clearTimeout(timer);
  }
}

async function round(key: string, at: number): Promise<readonly Sample[]> {
  const { name, without = [] } = await contenderOf(key);
  const [server, client] = [new Worker(), new Worker()];
  const samples: Sample[] = [];
  try {
    const address = await server.ask<string>({ do: "serve", contender: key });
    await client.ask({ do: "connect", contender: key, address });
    for (const message of names) {
      if (without.includes(message)) continue;
      await client.ask({ do: "measure", message, inFlight: 32, forMs: Math.min(500, forMs) });
      for (const inFlight of inFlights) {
        await Promise.all([server.ask({ do: "usage" }), client.ask({ do: "usage" })]);
        const measured = await client.ask<Measured>({ do: "measure", message, inFlight, forMs });
        const [of, by] = await Promise.all([server.ask<Usage>({ do: "usage" }), client.ask<Usage>({ do: "usage" })]);
        samples.push({ contender: name, message, inFlight, round: at, ...measured, serverUs: (of.cpuMs * 1_000) / measured.calls, clientUs: (by.cpuMs * 1_000) / measured.calls, serverRssMb: of.rssMb, clientRssMb: by.rssMb });
      }
    }
    const streamed = await client.ask<Measured | undefined>({ do: "stream", count: streamCount });
    if (streamed !== undefined) {
      const again = await client.ask<Measured>({ do: "stream", count: streamCount });
      samples.push({ contender: name, message: "stream", inFlight: 1, round: at, ...again, serverUs: 0, clientUs: 0, serverRssMb: 0, clientRssMb: 0 });
    }
  } finally {
    await Promise.all([client.close(), server.close()]);
  }
  return samples;
}

if (!existsSync(join(import.meta.dirname, "node_modules"))) {
  console.log("installing the contenders");
  const { status } = spawnSync("npm", ["ci", "--prefix", import.meta.dirname], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
const samples: Sample[] = [];
const failed = new Set<string>();
for (let at = 1; at <= rounds; at++) {
  for (const key of contenders) {
    if ((only !== undefined && !only.includes(key)) || failed.has(key)) continue;
    process.stderr.write(`round ${at} of ${rounds}: ${key}\n`);
    try {
      samples.push(...(await round(key, at)));
    } catch (error) {
      failed.add(key);
      console.error(`${key} failed and is left out:`, error instanceof Error ? error.message : error);
    }
  }
}
const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version, date: new Date().toISOString().slice(0, 10), rounds, forMs };
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, "results.json"), JSON.stringify({ machine, samples }, undefined, 1));
console.log(report(samples, machine));
