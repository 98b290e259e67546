// What a client's process does when it is measured.
import { streamLength } from "./cell.ts";
import type { Cell, Measured } from "./cell.ts";
import type { ContenderClient } from "./contender.ts";
import { messageOf } from "./messages.ts";
import { quantile } from "./stats.ts";

/** Loads the server with a cell for a time. */
export async function load(client: ContenderClient, cell: Cell, forMs: number): Promise<Measured> {
  if (cell.kind === "unary") return unary(client.unary(messageOf(cell.message)), cell.inFlight, forMs);
  if (cell.kind === "local") return local(client.unary(messageOf(cell.message)), forMs);
  if (client.stream === undefined) throw new Error("it has no streams");
  return streams(client.stream, forMs);
}

/** Makes a number of calls. */
export async function callTimes(
  client: ContenderClient,
  message: string,
  inFlight: number,
  count: number,
): Promise<Measured> {
  const call = client.unary(messageOf(message));
  const start = performance.now();
  let left = count;
  await together(inFlight, async () => {
    while (left-- > 0) await call();
  });
  return { calls: count, ms: performance.now() - start, p50: 0, p99: 0, p999: 0 };
}

async function unary(call: () => Promise<unknown>, inFlight: number, forMs: number): Promise<Measured> {
  const latencies: number[] = [];
  const start = performance.now();
  let end = start + forMs;
  const loop = async (): Promise<void> => {
    try {
      for (let now = performance.now(); now < end; ) {
        await call();
        const done = performance.now();
        latencies.push(done - now);
        now = done;
      }
    } catch (error) {
      end = 0;
      throw error;
    }
  };
  await together(inFlight, loop);
  const ms = performance.now() - start;
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number): number => Math.round(quantile(sorted, share) * 1_000);
  return { calls: latencies.length, ms, p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

/** Runs loops side by side until all have ended, also when one fails. */
async function together(count: number, loop: () => Promise<void>): Promise<void> {
  const ends = await Promise.allSettled(Array.from({ length: count }, loop));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** One call after another. A clock around each would cost as much as the call, so only all are timed. */
async function local(call: () => Promise<unknown>, forMs: number): Promise<Measured> {
  const start = performance.now();
  let calls = 0;
  let ms = 0;
  for (; ms < forMs; ms = performance.now() - start) {
    for (let at = 0; at < 1_000; at++) await call();
    calls += 1_000;
  }
  return { calls, ms, p50: 0, p99: 0, p999: 0 };
}

async function streams(stream: (count: number) => Promise<number>, forMs: number): Promise<Measured> {
  const start = performance.now();
  let calls = 0;
  let ms = 0;
  for (; ms < forMs; ms = performance.now() - start) {
    const seen = await stream(streamLength);
    if (seen !== streamLength) throw new Error(`asked for ${streamLength} messages and got ${seen}`);
    calls += seen;
  }
  return { calls, ms, p50: 0, p99: 0, p999: 0 };
}
