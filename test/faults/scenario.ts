import { Stage } from "./stage.ts";

/** What was counted; times in milliseconds, shares from 0 to 1. */
export type Counts = Readonly<Record<string, number>>;

/** A fault, what must come of it, and the same without what prevents worse. */
export interface Scenario {
  /** Such as `F1`. */
  readonly id: string;
  readonly title: string;
  /** What must hold, in words. */
  readonly expected: string;
  /** What is different in the control. */
  readonly control: string;
  /** Why this machine cannot play it; undefined when it can. Default: every machine can. */
  readonly lacks?: (() => Promise<string | undefined>) | undefined;
  /** Makes the fault happen; without the feature in the control. */
  readonly play: (stage: Stage, feature: boolean) => Promise<Counts>;
  readonly holds: (counts: Counts) => boolean;
}

/** What came of a scenario. */
export interface Played {
  readonly scenario: Scenario;
  /** Whether what is expected held with the feature, and did not in the control. */
  readonly shown: boolean;
  readonly counts: Counts;
  readonly control: Counts;
  /** What went wrong in playing it, when something did. */
  readonly error: string | undefined;
  /** Why it was not played, when it was not. */
  readonly lacks?: string | undefined;
}

/** Plays a scenario and its control. */
export async function play(scenario: Scenario): Promise<Played> {
  const lacks = await scenario.lacks?.();
  if (lacks !== undefined) return { scenario, shown: false, counts: {}, control: {}, error: undefined, lacks };
  try {
    const counts = await once(scenario, true);
    const control = await once(scenario, false);
    return { scenario, shown: scenario.holds(counts) && !scenario.holds(control), counts, control, error: undefined };
  } catch (error) {
    return { scenario, shown: false, counts: {}, control: {}, error: error instanceof Error ? error.message : String(error) };
  }
}

async function once(scenario: Scenario, feature: boolean): Promise<Counts> {
  await using stage = new Stage();
  const counts = await scenario.play(stage, feature);
  return Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, Math.round(value * 1_000) / 1_000]));
}
