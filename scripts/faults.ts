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
import { elsewhere, scenarios } from "../test/faults/catalogue.ts";
import { json, lines, table } from "../test/faults/report.ts";
import { play } from "../test/faults/scenario.ts";
import type { Played } from "../test/faults/scenario.ts";
import { wanted } from "../test/simulation/command-line.ts";
import { writePart } from "../test/simulation/publish.ts";
import { root } from "./run.ts";

const { ids, json: asData } = wanted({
  call: "npm run faults --",
  purpose: "Plays faults with real processes under load, each with a control. All of them take about a quarter of an hour.",
  noun: "scenario",
  known: scenarios,
  seeds: false,
});
const played: Played[] = [];
for (const scenario of scenarios) {
  if (ids.length > 0 && !ids.includes(scenario.id)) continue;
  const one = await play(scenario);
  played.push(one);
  if (!asData) console.log(`${lines(one).join("\n")}\n`);
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
if (asData) console.log(json(played, elsewhere));
else {
  for (const { id, title, missing } of notRun) console.log(`${id}: ${title}: not run: ${missing}`);
  console.log(`\n${sum}.${missed.length === 0 ? "" : ` Not shown: ${missed.join(", ")}.`}`);
}
if (ids.length === 0) {
  const docs = join(root, "docs");
  mkdirSync(join(docs, "resilience"), { recursive: true });
  writeFileSync(join(docs, "resilience", "faults.json"), `${json(played, elsewhere)}\n`);
  writePart("faults", `${sum}. As data: [JSON](resilience/faults.json).\n\n${table(played, elsewhere)}`, docs);
}
process.exitCode = missed.length === 0 ? 0 : 1;
