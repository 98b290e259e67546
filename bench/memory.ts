// Whether memory grows while calls run: many calls at 32 in flight, and after
// each slice of them the memory of server and client.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { machine } from "./machine.ts";
import { growth } from "./growth.ts";
import type { Growth } from "./growth.ts";
import { publishMemory } from "./publish.ts";
import { machineText } from "./report.ts";
import { WorkerProcess } from "./worker-process.ts";
import type { Memory } from "./worker.ts";

/** What the command line says. */
export interface MemoryOptions {
  readonly quick: boolean;
  readonly only?: string | undefined;
  readonly messages?: string | undefined;
  readonly calls?: string | undefined;
  readonly out: string;
  readonly publish: boolean;
  readonly docs: string;
}

/** The memory of both sides after a number of calls. */
export interface MemorySample {
  readonly calls: number;
  readonly server: Memory;
  readonly client: Memory;
}

/** What is measured, and what it is compared with. Both are called by the same client. */
const [ours, stock] = ["mesh-protobuf", "connect-fastify"] as const;
const inFlight = 32;
const slices = 30;

/** Runs the check. Returns the exit code: 0 when nothing grew and nothing failed. */
export async function checkMemory(options: MemoryOptions): Promise<number> {
  const calls = Number(options.calls ?? (options.quick ? 60_000 : 1_500_000));
  const message = options.messages ?? "hello";
  const keys = options.only?.split(",") ?? [ours, stock];
  const runs = new Map<string, readonly MemorySample[]>();
  for (const key of keys) runs.set(key, await observe(key, message, calls));
  const about = machine();
  writeFileSync(
    join(options.out, "memory.json"),
    JSON.stringify({ machine: about, calls, message, runs: Object.fromEntries(runs) }, undefined, 1),
  );
  const text = [
    machineText(about),
    `${calls} calls of ${message}, ${inFlight} in flight; heap and buffers after everything was collected; ` +
      "growth is that of a line through all samples after the first fifth, with the noise around it.",
    table(runs),
    comparison(runs),
  ].join("\n\n");
  console.log(text);
  if (options.publish) publishMemory(text, options.docs);
  return [...growths(runs)].some(({ of }) => of.grows) ? 1 : 0;
}

async function observe(key: string, message: string, calls: number): Promise<readonly MemorySample[]> {
  // The first start after a change of the code compiles it, which takes memory that later starts do not.
  await underLoad(key, message, 1_000, 1);
  return underLoad(key, message, calls, slices);
}

async function underLoad(
  key: string,
  message: string,
  calls: number,
  slices: number,
): Promise<readonly MemorySample[]> {
  const start = (): WorkerProcess => new WorkerProcess({ execArgv: ["--expose-gc"] });
  const [server, client] = [start(), start()];
  const samples: MemorySample[] = [];
  try {
    const address = await server.ask<string>({ do: "serve", contender: key });
    await client.ask({ do: "connect", contender: key, address });
    for (let slice = 1; slice <= slices; slice++) {
      const count = Math.ceil(calls / slices);
      await client.ask({ do: "calls", message, inFlight, count }, 3_600_000);
      const [of, by] = await Promise.all([
        server.ask<Memory>({ do: "collect" }),
        client.ask<Memory>({ do: "collect" }),
      ]);
      samples.push({ calls: slice * count, server: of, client: by });
      process.stderr.write(
        `${key}: ${slice * count} calls, server heap ${of.heapMb.toFixed(2)} MB, RSS ${of.rssMb.toFixed(0)} MB; ` +
          `client heap ${by.heapMb.toFixed(2)} MB, RSS ${by.rssMb.toFixed(0)} MB\n`,
      );
    }
  } finally {
    await client.close();
    await server.close();
  }
  return samples;
}

type Side = "server" | "client";

function* growths(
  runs: ReadonlyMap<string, readonly MemorySample[]>,
): Generator<{ key: string; side: Side; samples: readonly MemorySample[]; of: Growth }> {
  for (const [key, samples] of runs) {
    for (const side of ["server", "client"] as const) {
      const points = samples.map((sample) => [sample.calls, sample[side].heapMb + sample[side].externalMb] as const);
      yield { key, side, samples, of: growth(points) };
    }
  }
}

function table(runs: ReadonlyMap<string, readonly MemorySample[]>): string {
  const rows = [...growths(runs)].map(({ key, side, samples, of }) => {
    const all = samples.map((sample) => sample[side]);
    const [first, last] = [all[Math.floor(all.length / 5)], all.at(-1)];
    const cells = [
      key,
      side,
      mb((first?.heapMb ?? 0) + (first?.externalMb ?? 0)),
      mb((last?.heapMb ?? 0) + (last?.externalMb ?? 0)),
      `${of.bytesPerCall.toFixed(2)} ± ${of.errorPerCall.toFixed(2)}`,
      of.grows ? "**yes**" : "no",
      (last?.rssMb ?? 0).toFixed(0),
      (last?.peakRssMb ?? 0).toFixed(0),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    "| contender | side | MB after a fifth | MB at the end | bytes a call | grows | RSS MB at the end | peak RSS MB |",
    "| --- | --- | --: | --: | --: | --- | --: | --: |",
    ...rows,
  ].join("\n");
}

function comparison(runs: ReadonlyMap<string, readonly MemorySample[]>): string {
  const peak = (key: string): number | undefined => runs.get(key)?.at(-1)?.server.peakRssMb;
  const [own, other] = [peak(ours), peak(stock)];
  if (own === undefined || other === undefined) return "";
  const word = own <= other ? "not more than" : "**more than**";
  return `Peak RSS of the server: ${own.toFixed(0)} MB, ${word} stock connect-fastify's ${other.toFixed(0)} MB.`;
}

function mb(value: number): string {
  return value.toFixed(2);
}
