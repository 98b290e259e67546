import { printable } from "./io.ts";

/** Rows as lines with aligned columns. An empty cell is a dash. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => oneLine(cell) || "-"));
  const widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  }
  return cells
    .map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ").trimEnd() + "\n")
    .join("");
}

function oneLine(text: string): string {
  return printable(text).replaceAll(/\s+/g, " ");
}
