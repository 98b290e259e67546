import type { Elsewhere } from "./catalogue.ts";
import type { Counts, Played } from "./scenario.ts";

/** What came of a scenario, as lines for a terminal. */
export function lines({ scenario, shown, counts, control, error, lacks }: Played): readonly string[] {
  const { id, title, expected } = scenario;
  if (lacks !== undefined) return [`${id}: ${title}: not run: ${lacks}`];
  return [
    `${id}: ${title}: ${shown ? "shown" : "NOT SHOWN"}`,
    `  expected: ${expected}`,
    ...(error === undefined
      ? [
          `  with it: ${scenario.holds(counts) ? "holds" : "does not hold"}: ${text(counts)}`,
          `  control (${scenario.control}): ${scenario.holds(control) ? "HOLDS AS WELL" : "fails"}: ${text(control)}`,
        ]
      : [`  could not be played: ${error}`]),
  ];
}

/** The table of all that can happen. */
export function table(played: readonly Played[], elsewhere: readonly Elsewhere[]): string {
  const rows = [
    ...played.map((one) => ({ id: one.scenario.id, row: playedRow(one) })),
    ...elsewhere.map((one) => ({ id: one.id, row: elsewhereRow(one) })),
  ].sort((a, b) => numberOf(a.id) - numberOf(b.id));
  return [
    "| fault | expected | with connect-mesh | control | shown |",
    "| --- | --- | --- | --- | --- |",
    ...rows.map(({ row }) => row),
  ].join("\n");
}

/** Everything as data. */
export function json(played: readonly Played[], elsewhere: readonly Elsewhere[]): string {
  const data = {
    played: played.map(({ scenario, shown, counts, control, error, lacks }) => ({
      id: scenario.id,
      title: scenario.title,
      expected: scenario.expected,
      shown,
      counts,
      control: { without: scenario.control, counts: control },
      ...(error === undefined ? {} : { error }),
      ...(lacks === undefined ? {} : { lacks }),
    })),
    elsewhere: elsewhere.filter(({ tests }) => tests.length > 0),
    notRun: elsewhere.filter(({ tests }) => tests.length === 0).map(({ id, title, missing }) => ({ id, title, missing })),
  };
  return JSON.stringify(data, undefined, 1);
}

function playedRow({ scenario, shown, counts, control, error, lacks }: Played): string {
  const { id, title, expected } = scenario;
  if (lacks !== undefined) return `| **${id}** ${title} | ${expected} | ${lacks} | | not run |`;
  const result = error === undefined ? text(counts) : `could not be played: ${error}`;
  return `| **${id}** ${title} | ${expected} | ${result} | ${scenario.control}: ${text(control)} | ${shown ? "yes" : "**no**"} |`;
}

function elsewhereRow({ id, title, tests, missing = "" }: Elsewhere): string {
  const where = tests.map((path) => `\`${path}\``).join(", ");
  const shown = tests.length === 0 ? "not run" : missing === "" ? "by tests" : "in part";
  return `| **${id}** ${title} | | ${[where, missing].filter((part) => part !== "").join("; ")} | | ${shown} |`;
}

/** `sent 402, slowest 172 ms, share after 0`. */
function text(counts: Counts): string {
  return Object.entries(counts)
    .map(([name, value]) => {
      const plain = name.replace(/Ms$|MiB$/, "");
      const unit = name.endsWith("Ms") ? " ms" : name.endsWith("MiB") ? " MiB" : "";
      const words = plain.replace(/[A-Z]|\d+/g, (part) => ` ${part.toLowerCase()}`);
      return `${words} ${unit === "" ? value : Math.round(value)}${unit}`;
    })
    .join(", ");
}

function numberOf(id: string): number {
  return Number(/\d+/.exec(id)?.[0] ?? 0);
}
