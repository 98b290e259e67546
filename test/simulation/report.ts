import type { GoalResult, Measure, VariantResult } from "./goal.ts";

/** What came of a goal, as lines for a terminal. */
export function lines(result: GoalResult): readonly string[] {
  const { goal, seeds, variants, reached } = result;
  const width = Math.max(...variants.map(({ name }) => name.length));
  return [
    `${goal.id}: ${goal.title}: ${reached ? "reached" : "NOT REACHED"}`,
    `  wanted: ${goal.wanted}`,
    ...variants.map((variant) => {
      const verdict = `${variant.role.padEnd(7)} holds in ${variant.held} of ${seeds}`;
      return `  ${variant.name.padEnd(width)}  ${verdict}  ${measured(result, variant).join("; ")}`;
    }),
  ];
}

/** The short table: a row for each goal. */
export function summary(results: readonly GoalResult[]): string {
  const rows = results.map((result) => {
    const { goal, reached } = result;
    const of = (role: VariantResult["role"]): string => {
      const some = result.variants.filter((variant) => variant.role === role);
      return some.map((variant) => `${variant.name}: ${figures(goal.measures, variant).join(", ")}`).join("<br>");
    };
    const title = `**${goal.id}** ${goal.title}`;
    return `| ${[title, goal.wanted, of("goal"), of("control"), reached ? "yes" : "**no**"].join(" | ")} |`;
  });
  return ["| what happens | wanted | with connect-mesh | control: without | reached |", "| --- | --- | --- | --- | --- |", ...rows].join("\n");
}

/** All figures: a table for each goal. */
export function tables(results: readonly GoalResult[]): string {
  return results
    .map((result) => {
      const { goal, seeds, variants } = result;
      const names = goal.measures.map(({ name }) => name);
      return [
        `## ${goal.id}: ${goal.title}`,
        `${goal.setting}.`,
        `Wanted: ${goal.wanted}. ${seeds === 1 ? "One seed" : `${seeds} seeds; the median, and the lowest to the highest`}.`,
        [
          `| | role | ${names.join(" | ")} | holds in |`,
          `| --- | --- |${names.map(() => " --- |").join("")} --- |`,
          ...variants.map(
            (variant) =>
              `| ${variant.name} | ${variant.role} | ${cells(goal.measures, variant).join(" | ")} | ${variant.held} of ${seeds} |`,
          ),
        ].join("\n"),
      ].join("\n\n");
    })
    .join("\n\n");
}

/** Everything as data. */
export function json(results: readonly GoalResult[]): string {
  const data = results.map(({ goal, seeds, variants, reached }) => ({
    id: goal.id,
    title: goal.title,
    setting: goal.setting,
    wanted: goal.wanted,
    seeds,
    reached,
    variants: variants.map(({ name, role, held, spread }) => ({ name, role, held, ...rounded(spread) })),
  }));
  return JSON.stringify(data, undefined, 1);
}

function rounded(spread: VariantResult["spread"]): Readonly<Record<string, unknown>> {
  const short = (value: number): number => Number(value.toPrecision(6));
  return Object.fromEntries(
    Object.entries(spread).map(([key, [median, low, high]]) => [
      key,
      { median: short(median), low: short(low), high: short(high) },
    ]),
  );
}

function measured({ goal }: GoalResult, variant: VariantResult): readonly string[] {
  return cells(goal.measures, variant).map((cell, at) => `${goal.measures[at]?.name}: ${cell}`);
}

/** Each measure with its range. */
function cells(measures: readonly Measure[], { spread }: VariantResult): readonly string[] {
  return measures.map((measure) => {
    const [median = NaN, low = NaN, high = NaN] = spread[measure.key] ?? [];
    const [all, from, until] = [median, low, high].map((value) => shown(measure, value));
    return from === until ? `${all}` : `${all} (${from} to ${until})`;
  });
}

/** The first two measures, which are those that matter. */
function figures(measures: readonly Measure[], { spread }: VariantResult): readonly string[] {
  return measures.slice(0, 2).map((measure) => `${measure.name} ${shown(measure, spread[measure.key]?.[0] ?? NaN)}`);
}

function shown({ unit }: Measure, value: number): string {
  if (unit === "%") return `${(value * 100).toFixed(value > 0.99 && value < 1 ? 3 : 2).replace(/\.?0+$/, "")} %`;
  if (unit === "ms") return `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ms`;
  if (unit === "×") return `${value.toFixed(value < 0.1 ? 3 : 2)} ×`;
  return String(Math.round(value));
}
