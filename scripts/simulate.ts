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
import { parseArgs } from "node:util";
import { pursue } from "../test/simulation/goal.ts";
import type { GoalResult } from "../test/simulation/goal.ts";
import { goals } from "../test/simulation/goals.ts";
import { publish } from "../test/simulation/publish.ts";
import { json, lines } from "../test/simulation/report.ts";
import { root } from "./run.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: "string" }, json: { type: "boolean", default: false } },
});
const wanted = goals.filter(({ id }) => positionals.length === 0 || positionals.includes(id));
const unknown = positionals.filter((id) => !goals.some((goal) => goal.id === id));
if (unknown.length > 0) {
  console.error(`there is no goal ${unknown.join(", ")}; there are ${goals.map(({ id }) => id).join(", ")}`);
  process.exit(2);
}
const seeds = values.seeds === undefined ? undefined : Number(values.seeds);
const results: GoalResult[] = [];
for (const goal of wanted) {
  const result = await pursue(goal, seeds);
  results.push(result);
  if (!values.json) console.log(`${lines(result).join("\n")}\n`);
}
if (values.json) console.log(json(results));
const missed = results.filter(({ reached }) => !reached).map(({ goal }) => goal.id);
if (!values.json) console.log(missed.length === 0 ? "All goals are reached." : `Not reached: ${missed.join(", ")}.`);
if (positionals.length === 0 && seeds === undefined) publish(results, join(root, "docs"));
process.exitCode = missed.length === 0 ? 0 : 1;
