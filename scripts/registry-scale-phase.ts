import { until } from "../src/testing/until.ts";
import type { Watcher } from "./registry-scale-watcher.ts";

/** What the clients did in some time; CPU and memory of the mean client. */
export interface Phase {
  readonly name: string;
  readonly seconds: number;
  readonly changes: number;
  /** How often a client took over a new set. */
  readonly updates: number;
  readonly cpuSeconds: number;
  readonly cpuMsPerUpdate: number | undefined;
  readonly rssMiB: number;
  /** Time from the request to Consul to the moment when all clients know. */
  readonly knownMs: { readonly median: number; readonly worst: number } | undefined;
}

/** A change that was made: what clients hear of it, and when it was asked for, in milliseconds since 1970. */
export interface Made {
  readonly heard: string;
  readonly atMs: number;
}

/** Runs something and measures the clients meanwhile, until all of them have heard all. */
export async function phase(
  name: string,
  watchers: readonly Watcher[],
  work: () => Promise<readonly Made[]>,
): Promise<Phase> {
  const beginMs = performance.now();
  const before = await Promise.all(watchers.map((one) => one.ask("used")));
  const updatesBefore = watchers.reduce((sum, { updates }) => sum + updates, 0);
  const done = await work();
  const knows = (one: Watcher): boolean => done.every(({ heard }) => one.heard.has(heard));
  await until(() => watchers.every(knows), { timeoutMs: 60_000, intervalMs: 50, what: "clients that know all" });
  const after = await Promise.all(watchers.map((one) => one.ask("used")));
  const mean = (of: (at: number) => number): number => watchers.reduce((sum, _, at) => sum + of(at), 0) / watchers.length;
  const cpuSeconds = mean((at) => (after[at]?.cpuSeconds ?? 0) - (before[at]?.cpuSeconds ?? 0));
  const updates = (watchers.reduce((sum, one) => sum + one.updates, 0) - updatesBefore) / watchers.length;
  const waits = done
    .map(({ heard, atMs }) => Math.max(...watchers.map((one) => (one.heard.get(heard) ?? Infinity) - atMs)))
    .sort((a, b) => a - b);
  const result = {
    name,
    seconds: (performance.now() - beginMs) / 1_000,
    changes: done.length,
    updates,
    cpuSeconds,
    cpuMsPerUpdate: updates === 0 ? undefined : (cpuSeconds * 1_000) / updates,
    rssMiB: mean((at) => after[at]?.rssMiB ?? 0),
    knownMs: waits.length === 0 ? undefined : { median: waits[waits.length >> 1] ?? 0, worst: waits.at(-1) ?? 0 },
  };
  // A client that knows all but answers nothing would be worth nothing.
  for (const one of watchers) await one.ask("call");
  return result;
}

function rounded(value: number | undefined, digits: number = 0): string {
  return value === undefined ? "" : value.toFixed(digits);
}

/** The phases as a table. */
export function table(phases: readonly Phase[], head: string): string {
  const rows = phases.map((of) =>
    [
      of.name, rounded(of.seconds), String(of.changes), rounded(of.updates), rounded(of.knownMs?.median), rounded(of.knownMs?.worst),
      rounded(of.cpuSeconds, 2), rounded(of.cpuMsPerUpdate, 1), rounded(of.rssMiB),
    ].join(" | "),
  );
  return [
    `| ${head} | seconds | changes | new sets taken over | until all clients know, median ms | worst ms | CPU of a client, s | CPU for each new set, ms | memory of a client, MiB |`,
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}
