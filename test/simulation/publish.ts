import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { draw } from "./chart.ts";
import type { GoalResult } from "./goal.ts";
import { json, summary, tables } from "./report.ts";

/** The parts of `resilience-results.md` that are written by programs. */
export type Part = "simulate" | "faults";

/**
 * Writes results into a folder of documentation: charts, all tables and figures
 * to `resilience/`, and a part of `resilience-results.md`.
 */
export function publish(results: readonly GoalResult[], docs: string): void {
  const folder = join(docs, "resilience");
  mkdirSync(folder, { recursive: true });
  const charts = results.flatMap(({ chart }) => (chart === undefined ? [] : [chart]));
  for (const chart of charts) writeFileSync(join(folder, `${chart.file}.svg`), draw(chart));
  writeFileSync(join(folder, "simulation.json"), `${json(results)}\n`);
  writeFileSync(
    join(folder, "simulation.md"),
    `# All figures of the simulation\n\nWritten by \`npm run simulate\`.\n\n${tables(results)}\n`,
  );
  const reached = results.filter((result) => result.reached).length;
  const section = [
    `${reached} of ${results.length} are reached. All figures: [tables](resilience/simulation.md), [as JSON](resilience/simulation.json).`,
    summary(results),
    ...charts.map(({ file, title }) => `![${title}](resilience/${file}.svg)`),
  ].join("\n\n");
  writePart("simulate", section, docs);
}

/** Replaces what is between the markers of a part of `resilience-results.md`. */
export function writePart(part: Part, section: string, docs: string): void {
  const page = join(docs, "resilience-results.md");
  const before = readFileSync(page, "utf8");
  const [begin, end] = [`<!-- ${part}:begin -->`, `<!-- ${part}:end -->`];
  const from = before.indexOf(begin);
  const to = before.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`resilience-results.md has lost one of the markers ${begin} and ${end}`);
  writeFileSync(page, `${before.slice(0, from + begin.length)}\n\n${section}\n\n${before.slice(to)}`);
}
