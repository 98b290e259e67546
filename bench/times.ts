import type { Cell } from "./cell.ts";
import type { Plan } from "./plan.ts";
import type { Runner } from "./runner.ts";

/** How much of a measurement's time goes before it, so that connections that were idle are there again. */
export const again = 0.6;

/** For how long things are done, in milliseconds. */
export interface Times {
  readonly forMs: number;
  readonly warmMs: number;
}

/** The times of a plan, shortened to fit into what is left of its budget. */
export function timesOf(plan: Plan, runners: readonly Runner[], elapsedMs: number): Times {
  const { forMs, warmMs, budgetMs, cells, rounds } = plan;
  if (budgetMs === undefined) return { forMs, warmMs };
  let fullMs = 0;
  for (const runner of runners) {
    fullMs += warmCells(cells, runner).length * warmMs;
    fullMs += cells.filter((cell) => runner.takes(cell)).length * rounds * forMs * (1 + again);
  }
  const share = Math.max(0.1, Math.min(1, (budgetMs - elapsedMs) / fullMs));
  return { forMs: forMs * share, warmMs: warmMs * share };
}

/** One cell for each message that a contender takes, with many calls in flight where it can. */
export function warmCells(cells: readonly Cell[], runner: Runner): readonly Cell[] {
  const groups = Map.groupBy(
    cells.filter((cell) => runner.takes(cell)),
    ({ kind, message }) => `${kind} ${message}`,
  );
  return [...groups.values()].flatMap((group) => (group.find(({ inFlight }) => inFlight === 32) ?? group[0]) ?? []);
}
