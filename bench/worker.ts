// One side of a contender, as a process of its own. Its parent talks to it over
// the IPC channel: "serve" or "connect", then "measure", then "usage".
import { contenderOf } from "./contenders.ts";
import type { ContenderClient, ContenderServer } from "./contender.ts";
import { messageOf } from "./messages.ts";

/** What a parent asks of a worker. */
export type Order =
  | { readonly do: "serve"; readonly contender: string }
  | { readonly do: "connect"; readonly contender: string; readonly address: string }
  | { readonly do: "measure"; readonly message: string; readonly inFlight: number; readonly forMs: number }
  | { readonly do: "calls"; readonly message: string; readonly count: number }
  | { readonly do: "stream"; readonly count: number }
  | { readonly do: "usage" }
  | { readonly do: "close" };

/** What one measurement saw. */
export interface Measured {
  readonly calls: number;
  readonly ms: number;
  /** Latencies in microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** What a process used since it was last asked. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssMb: number;
}

let server: ContenderServer | undefined;
let client: ContenderClient | undefined;
let cpu = process.cpuUsage();

async function measure(message: string, inFlight: number, forMs: number): Promise<Measured> {
  if (client === undefined) throw new Error("connect first");
  const call = client.unary(messageOf(message));
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + forMs;
  const loop = async (): Promise<void> => {
    for (let now = performance.now(); now < end; ) {
      await call();
      const done = performance.now();
      latencies.push(done - now);
      now = done;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  const ms = performance.now() - start;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0) * 1_000);
  return { calls: latencies.length, ms, p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

async function calls(message: string, count: number): Promise<Measured> {
  if (client === undefined) throw new Error("connect first");
  const call = client.unary(messageOf(message));
  const start = performance.now();
  for (let at = 0; at < count; at++) await call();
  const ms = performance.now() - start;
  return { calls: count, ms, p50: Math.round((ms / count) * 1_000), p99: 0, p999: 0 };
}

async function stream(count: number): Promise<Measured | undefined> {
  if (client?.stream === undefined) return undefined;
  const start = performance.now();
  const seen = await client.stream(count);
  if (seen !== count) throw new Error(`asked for ${count} messages and got ${seen}`);
  return { calls: count, ms: performance.now() - start, p50: 0, p99: 0, p999: 0 };
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case "serve":
      server = await (await contenderOf(order.contender)).serve();
      return server.address;
    case "connect":
      client = await (await contenderOf(order.contender)).connect(order.address);
      return true;
    case "measure":
      return measure(order.message, order.inFlight, order.forMs);
    case "calls":
      return calls(order.message, order.count);
    case "stream":
      return stream(order.count);
    case "usage": {
      const used = process.cpuUsage(cpu);
      cpu = process.cpuUsage();
      return {
        cpuMs: (used.user + used.system) / 1_000,
        rssMb: process.resourceUsage().maxRSS / 1_024,
      };
    }
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
    (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
