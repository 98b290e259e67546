import { rateOf } from "./cell.ts";
import type { Sample } from "./cell.ts";
import { goals } from "./goals.ts";
import type { Goal, Measure } from "./goals.ts";
import { median, spread } from "./stats.ts";

/** What a run says of a goal. */
export interface Verdict {
  readonly goal: Goal;
  /** The median figures of both sides; 0 for theirs when the goal is not relative. */
  readonly ours: number;
  readonly theirs: number;
  /** Key of whom it was compared with. */
  readonly best: string | undefined;
  /** The median of the rounds' ratios, or the figure itself, with the lowest and the highest. */
  readonly reached: number;
  readonly low: number;
  readonly high: number;
  readonly met: boolean;
}

/** Judges all goals; undefined stands where a side was not measured. */
export function judge(samples: readonly Sample[]): readonly (Verdict | undefined)[] {
  return goals.map((goal) => (goal.than.length === 0 ? absolute(goal, samples) : relative(goal, samples)));
}

function absolute(goal: Goal, samples: readonly Sample[]): Verdict | undefined {
  const times = of(goal.of, goal, samples).map(({ calls, ms }) => (ms * 1_000) / calls);
  return times.length === 0 ? undefined : verdict(goal, times, median(times), 0, undefined);
}

function relative(goal: Goal, samples: readonly Sample[]): Verdict | undefined {
  const { measure } = goal;
  const ours = of(goal.of, goal, samples);
  const figure = (list: readonly Sample[]): number => median(list.map((sample) => figureOf(sample, measure)));
  const others = goal.than
    .map((key) => ({ key, list: of(key, goal, samples) }))
    .filter(({ list }) => list.length > 0)
    .sort((a, b) => (figure(a.list) - figure(b.list)) * (measure === "rate" ? -1 : 1));
  const [best] = others;
  if (ours.length === 0 || best === undefined) return undefined;
  // Both sides of a round were measured within seconds, so their ratio says more than that of the medians.
  const ratios = ours.flatMap((one) => {
    const other = best.list.find(({ round }) => round === one.round);
    return other === undefined ? [] : [figureOf(one, measure) / figureOf(other, measure)];
  });
  return ratios.length === 0 ? undefined : verdict(goal, ratios, figure(ours), figure(best.list), best.key);
}

function verdict(
  goal: Goal,
  values: readonly number[],
  ours: number,
  theirs: number,
  best: string | undefined,
): Verdict {
  const reached = median(values);
  const [low, high] = spread(values);
  const met = goal.measure === "rate" ? reached >= goal.bound : reached <= goal.bound;
  return { goal, ours, theirs, best, reached, low, high, met };
}

function of(key: string, { cell }: Goal, samples: readonly Sample[]): readonly Sample[] {
  return samples.filter((sample) => sample.contender === key && sample.cell === cell);
}

function figureOf(sample: Sample, measure: Measure): number {
  return measure === "rate" ? rateOf(sample) : sample[measure];
}
