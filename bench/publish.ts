import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pictures } from "./charts.ts";
import type { Results } from "./compare.ts";
import { machineText, planText, tables, verdictTable } from "./report.ts";
import { summary } from "./summary.ts";

/** The parts of performance.md that are written by the benchmark. */
type Part = "comparison" | "memory";

/**
 * Writes results into a folder of documentation: `performance/*.svg`, the goals and all tables,
 * the medians as JSON, and the part of `performance.md` between its two markers.
 */
export function publish(results: Results, docs: string): void {
  const folder = join(docs, "performance");
  mkdirSync(folder, { recursive: true });
  const drawn = pictures(results);
  for (const { file, svg } of drawn) writeFileSync(join(folder, file), svg);
  writeFileSync(join(folder, "results.json"), `${summary(results)}\n`);
  const about = `${machineText(results.machine)}\n\n${planText(results)}`;
  writeFileSync(
    join(folder, "tables.md"),
    `# All figures of the benchmark\n\nWritten by \`npm run bench -- --publish\`. ${about}\n\n${tables(results)}\n`,
  );
  const verdict = verdictTable(results);
  writeFileSync(
    join(folder, "goals.md"),
    `# What connect-mesh must reach\n\nWritten by \`npm run bench -- --publish\`. ${about}\n\n${verdict}\n`,
  );
  const [reached = ""] = verdict.split("\n");
  const section = [
    about,
    ...drawn.map(({ file, alt }) => `![${alt}](performance/${file})`),
    `${reached} [What must be reached, and what is](performance/goals.md). All figures: [tables](performance/tables.md), [as JSON](performance/results.json).`,
  ].join("\n\n");
  writePart("comparison", section, docs);
}

/** Writes what the memory check says into its part of `performance.md`. */
export function publishMemory(text: string, docs: string): void {
  mkdirSync(docs, { recursive: true });
  writePart("memory", text, docs);
}

function writePart(part: Part, section: string, docs: string): void {
  const page = join(docs, "performance.md");
  const before = existsSync(page) ? readFileSync(page, "utf8") : "# Performance\n";
  writeFileSync(page, between(before, part, section));
}

function between(page: string, part: Part, section: string): string {
  const [begin, end] = [`<!-- bench:${part}:begin -->`, `<!-- bench:${part}:end -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from === -1 && to === -1) return `${page}\n${begin}\n\n${section}\n\n${end}\n`;
  if (to === -1) throw new Error(`performance.md has lost one of the markers ${begin} and ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${section}\n\n${page.slice(to)}`;
}
