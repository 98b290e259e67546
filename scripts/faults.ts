/**
 * Plays faults with real processes under load: `npm run faults`. All of them
 * take about a quarter of an hour; then the results are written to `docs/`. Ids select some of
 * them: `npm run faults -- F1 F28`; then nothing is written. `--json` prints
 * data instead of tables.
 *
 * It only ends processes that it started, calls only the loopback, and makes
 * at most 300 calls a second. Ends with code 1 when something is not shown.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { elsewhere, scenarios } from "../test/faults/catalogue.ts";
import { json, lines, table } from "../test/faults/report.ts";
import { play } from "../test/faults/scenario.ts";
import type { Played } from "../test/faults/scenario.ts";
import { writePart } from "../test/simulation/publish.ts";
import { root } from "./run.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
});
const unknown = positionals.filter((id) => !scenarios.some((scenario) => scenario.id === id));
if (unknown.length > 0) {
  console.error(`there is no scenario ${unknown.join(", ")}; there are ${scenarios.map(({ id }) => id).join(", ")}`);
  process.exit(2);
}
const played: Played[] = [];
for (const scenario of scenarios) {
  if (positionals.length > 0 && !positionals.includes(scenario.id)) continue;
  const one = await play(scenario);
  played.push(one);
  if (!values.json) console.log(`${lines(one).join("\n")}\n`);
}
const missed = played.filter(({ shown, lacks }) => !shown && lacks === undefined).map(({ scenario }) => scenario.id);
const notRun = elsewhere.filter(({ tests }) => tests.length === 0);
const lacking = played.filter(({ lacks }) => lacks !== undefined).length;
const byTests = elsewhere.length - notRun.length;
const sum = [
  `${played.length - missed.length - lacking} of ${played.length} scenarios are shown`,
  `${byTests} faults are shown by tests, some of them in part`,
  `${notRun.length + lacking} were not run`,
].join(", ");
if (values.json) console.log(json(played, elsewhere));
else {
  for (const { id, title, missing } of notRun) console.log(`${id}: ${title}: not run: ${missing}`);
  console.log(`\n${sum}.${missed.length === 0 ? "" : ` Not shown: ${missed.join(", ")}.`}`);
}
if (positionals.length === 0) {
  const docs = join(root, "docs");
  mkdirSync(join(docs, "resilience"), { recursive: true });
  writeFileSync(join(docs, "resilience", "faults.json"), `${json(played, elsewhere)}\n`);
  writePart("faults", `${sum}. As data: [JSON](resilience/faults.json).\n\n${table(played, elsewhere)}`, docs);
}
process.exitCode = missed.length === 0 ? 0 : 1;
