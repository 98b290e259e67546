/**
 * Simulates fleets on virtual time, with the mesh's own balancers, ejection,
 * retries, hedging and limits: `npm run simulate`. All goals take about two
 * minutes; then the results are written to `docs/`. Ids select some of them,
 * and `--seeds N` takes fewer seeds: `npm run simulate -- G1 G6 --seeds 2`; then
 * nothing is written. `--json` prints data instead of tables.
 *
 * Ends with code 1 when a goal is not reached.
 */
import { join } from "node:path";
import { wanted } from "../test/simulation/command-line.ts";
import { pursue } from "../test/simulation/goal.ts";
import type { GoalResult } from "../test/simulation/goal.ts";
import { goals } from "../test/simulation/goals.ts";
import { publish } from "../test/simulation/publish.ts";
import { json, lines } from "../test/simulation/report.ts";
import { root } from "./run.ts";

const { ids, seeds, json: asData } = wanted({
  call: "npm run simulate --",
  purpose: "Simulates fleets on virtual time, with the mesh's own code. All goals take about two minutes.",
  noun: "goal",
  known: goals,
  seeds: true,
});
const results: GoalResult[] = [];
for (const goal of goals) {
  if (ids.length > 0 && !ids.includes(goal.id)) continue;
  const result = await pursue(goal, seeds);
  results.push(result);
  if (!asData) console.log(`${lines(result).join("\n")}\n`);
}
if (asData) console.log(json(results));
const missed = results.filter(({ reached }) => !reached).map(({ goal }) => goal.id);
if (!asData) console.log(missed.length === 0 ? "All goals are reached." : `Not reached: ${missed.join(", ")}.`);
if (ids.length === 0 && seeds === undefined) publish(results, join(root, "docs"));
process.exitCode = missed.length === 0 ? 0 : 1;
