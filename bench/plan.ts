// What one run measures, and for how long.
import { aspyxKeys } from "./aspyx.ts";
import { streamCell } from "./cell.ts";
import type { Cell } from "./cell.ts";
import { contenders } from "./contenders.ts";
import { messages } from "./messages.ts";

/** What one run measures. */
export interface Plan {
  readonly quick: boolean;
  readonly contenders: readonly string[];
  readonly cells: readonly Cell[];
  /** How often everything is started anew. */
  readonly passes: number;
  /** Rounds of each pass. */
  readonly rounds: number;
  /** How long each contender is measured with each cell in each round. */
  readonly forMs: number;
  /** How long each contender is called with each message before the first round of a pass. */
  readonly warmMs: number;
  /** Calls of one measurement of aspyx-service. */
  readonly aspyxCalls: number;
  /** When set, both times are shortened so that all of it takes no longer. */
  readonly budgetMs: number | undefined;
}

/** What the command line says. */
export interface PlanOptions {
  readonly quick?: boolean | undefined;
  readonly only?: string | undefined;
  readonly messages?: string | undefined;
  readonly "in-flight"?: string | undefined;
  readonly passes?: string | undefined;
  readonly rounds?: string | undefined;
  readonly ms?: string | undefined;
  readonly "warm-ms"?: string | undefined;
}

/** Makes a plan. Throws when something asked for does not exist. */
export function planOf(options: PlanOptions): Plan {
  const { quick = false } = options;
  const forMs = count(options.ms, 400);
  return {
    quick,
    contenders: chosen(options.only),
    cells: cellsOf(options, quick),
    passes: count(options.passes, quick ? 1 : 3),
    rounds: count(options.rounds, quick ? 1 : 3),
    forMs,
    warmMs: count(options["warm-ms"], quick ? 300 : options.ms === undefined ? 1_500 : forMs),
    aspyxCalls: quick ? 200 : 1_000,
    budgetMs: quick && options.ms === undefined ? 90_000 : undefined,
  };
}

function chosen(only: string | undefined): readonly string[] {
  const all = [...contenders, ...aspyxKeys];
  if (only === undefined) return all;
  const matches = only.split(",").flatMap((name) => {
    const found = name.endsWith("*") ? all.filter((key) => key.startsWith(name.slice(0, -1))) : [name];
    if (found.length === 0 || found.some((key) => !all.includes(key))) {
      throw new Error(`no contender ${name}; there are ${all.join(", ")}`);
    }
    return found;
  });
  return all.filter((key) => matches.includes(key));
}

function cellsOf(options: PlanOptions, quick: boolean): readonly Cell[] {
  const names = options.messages?.split(",") ?? messages.map(({ name }) => name);
  for (const name of names) {
    if (!messages.some((of) => of.name === name)) throw new Error(`no message ${name}`);
  }
  const inFlights = (options["in-flight"] ?? "1,32,256").split(",").map((text) => count(text, 1));
  const asked = options.messages !== undefined || options["in-flight"] !== undefined;
  const all = names.flatMap((message) => inFlights.map((inFlight): Cell => ({ kind: "unary", message, inFlight })));
  const unary = quick && !asked ? all.filter(inQuick) : all;
  const local = names.map((message): Cell => ({ kind: "local", message, inFlight: 1 }));
  return [...unary, streamCell, ...(quick && !asked ? local.slice(0, 1) : local)];
}

/** Enough for every goal: 32 in flight, and one call at a time for the smallest message. */
function inQuick({ message, inFlight }: Cell): boolean {
  return (inFlight === 32 && message !== "blob") || (inFlight === 1 && message === "hello");
}

function count(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${text} is not a whole number above 0`);
  return value;
}
