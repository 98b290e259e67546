// One side of a contender, as a process of its own. Its parent talks to it over
// the IPC channel: "serve" or "connect", then "load" and "usage".
import type { Cell } from "./cell.ts";
import { contenderOf } from "./contenders.ts";
import type { ContenderClient, ContenderServer } from "./contender.ts";
import { callTimes, load } from "./load.ts";

/** What a parent asks of a worker. */
export type Order =
  | { readonly do: "serve"; readonly contender: string }
  | { readonly do: "connect"; readonly contender: string; readonly address: string }
  | { readonly do: "load"; readonly cell: Cell; readonly forMs: number }
  | { readonly do: "calls"; readonly message: string; readonly inFlight: number; readonly count: number }
  | { readonly do: "usage" }
  | { readonly do: "collect" }
  | { readonly do: "close" };

/** What a process used. */
export interface Usage {
  /** CPU time since it was last asked. */
  readonly cpuMs: number;
  /** Largest memory so far, in megabytes. */
  readonly rssMb: number;
}

/** The memory of a process, in megabytes. */
export interface Memory {
  /** Before anything was collected. */
  readonly rssMb: number;
  readonly peakRssMb: number;
  /** What is left of the heap after everything was collected. */
  readonly heapMb: number;
  /** The same of buffers outside of the heap. */
  readonly externalMb: number;
}

let server: ContenderServer | undefined;
let client: ContenderClient | undefined;
let cpu = process.cpuUsage();

function connected(): ContenderClient {
  if (client === undefined) throw new Error("connect first");
  return client;
}

function usage(): Usage {
  const { user, system } = process.cpuUsage(cpu);
  cpu = process.cpuUsage();
  return { cpuMs: (user + system) / 1_000, rssMb: peakRssMb() };
}

async function collect(): Promise<Memory> {
  const rssMb = process.memoryUsage.rss() / 2 ** 20;
  // Some objects live until a timer or a finalizer has run.
  for (let at = 0; at < 3; at++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  return { rssMb, peakRssMb: peakRssMb(), heapMb: heapUsed / 2 ** 20, externalMb: external / 2 ** 20 };
}

function peakRssMb(): number {
  return process.resourceUsage().maxRSS / 1_024;
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case "serve":
      server = await (await contenderOf(order.contender)).serve();
      return server.address;
    case "connect":
      client = await (await contenderOf(order.contender)).connect(order.address);
      return client.stream !== undefined;
    case "load":
      return load(connected(), order.cell, order.forMs);
    case "calls":
      return callTimes(connected(), order.message, order.inFlight, order.count);
    case "usage":
      return usage();
    case "collect":
      return collect();
    case "close":
      await client?.close();
      await server?.close();
      setImmediate(() => process.exit(0));
      return true;
  }
}

process.on("message", (order: Order) => {
  obey(order).then(
    (answer) => process.send?.({ answer }),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
