import type { Chart } from "./chart.ts";

/** What one run of a variant gave, by measure. */
export type Values = Readonly<Record<string, number>>;

/** A line of a chart: pairs of x and y. */
export type Series = readonly (readonly [x: number, y: number])[];

/** What one run of a variant gave, and how that came about over time. */
export interface Trial {
  readonly values: Values;
  readonly series?: Readonly<Record<string, Series>> | undefined;
}

/** One way to set things up. */
export interface Variant {
  readonly name: string;
  /** `goal` must hold in every seed, `control` must not in any, `more` is for comparison. */
  readonly role: "goal" | "control" | "more";
  readonly run: (seed: number) => Promise<Trial>;
}

/** A thing that is measured. */
export interface Measure {
  /** Key in {@link Values}. */
  readonly key: string;
  readonly name: string;
  /** `%` shows a share as percent. */
  readonly unit: "%" | "ms" | "×" | "";
}

/** Values of each variant in one seed. */
export type Lookup = (variant: string) => Values;

/** Something that the mesh promises, and how to see whether it keeps it. */
export interface Goal {
  /** Such as `G1`. */
  readonly id: string;
  readonly title: string;
  /** The world, in words. */
  readonly setting: string;
  /** What must hold, in words. */
  readonly wanted: string;
  readonly measures: readonly Measure[];
  readonly variants: readonly Variant[];
  readonly holds: (values: Values, of: Lookup) => boolean;
  /** Whether what is known beforehand comes out as it should, which validates the simulation. Default: yes. */
  readonly valid?: ((of: Lookup) => boolean) | undefined;
  /** How many seeds it takes. */
  readonly seeds: number;
  /** What is drawn from the first seed. */
  readonly chart?: ((of: (variant: string) => Trial) => Chart) | undefined;
}

/** What a variant did in all seeds. */
export interface VariantResult {
  readonly name: string;
  readonly role: Variant["role"];
  /** By measure: median, lowest and highest. */
  readonly spread: Readonly<Record<string, readonly [median: number, low: number, high: number]>>;
  /** In how many seeds what is wanted held. */
  readonly held: number;
}

/** What came of a goal. */
export interface GoalResult {
  readonly goal: Goal;
  readonly seeds: number;
  readonly variants: readonly VariantResult[];
  /** Whether all goals held in all seeds, no control did in any, and the simulation is valid. */
  readonly reached: boolean;
  readonly chart: Chart | undefined;
}

/**
 * Runs all variants of a goal with the same seeds.
 *
 * @param seeds how many; default the goal's
 */
export async function pursue(goal: Goal, seeds: number = goal.seeds): Promise<GoalResult> {
  const trials: Array<ReadonlyMap<string, Trial>> = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const bySeed = new Map<string, Trial>();
    for (const { name, run } of goal.variants) bySeed.set(name, await run(seed));
    trials.push(bySeed);
  }
  const variants = goal.variants.map(({ name, role }): VariantResult => {
    const held = trials.filter((trial) => goal.holds(lookup(trial)(name), lookup(trial))).length;
    const spread = goal.measures.map(({ key }) => [key, spreadOf(trials.map((trial) => lookup(trial)(name)[key] ?? NaN))]);
    return { name, role, held, spread: Object.fromEntries(spread) as VariantResult["spread"] };
  });
  const reached =
    variants.every(({ role, held }) => role === "more" || held === (role === "goal" ? seeds : 0)) &&
    trials.every((trial) => goal.valid?.(lookup(trial)) !== false);
  const [first = new Map<string, Trial>()] = trials;
  return { goal, seeds, variants, reached, chart: goal.chart?.((name) => trialOf(first, name)) };
}

function lookup(trials: ReadonlyMap<string, Trial>): Lookup {
  return (name) => trialOf(trials, name).values;
}

function trialOf(trials: ReadonlyMap<string, Trial>, name: string): Trial {
  const trial = trials.get(name);
  if (trial === undefined) throw new Error(`there is no variant ${name}`);
  return trial;
}

function spreadOf(values: readonly number[]): readonly [number, number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  return [sorted[sorted.length >> 1] ?? NaN, sorted[0] ?? NaN, sorted.at(-1) ?? NaN];
}
