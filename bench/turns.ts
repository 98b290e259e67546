// For small pieces of code: lanes take turns of a few milliseconds each, so that
// whatever else the machine does hits all of them.
import { median } from "./stats.ts";

/** A piece of code to measure. */
export interface Lane {
  readonly name: string;
  /** Does it a number of times. */
  run(repeat: number): unknown;
}

const turnMs = 5;

/** The median time of each lane over a number of turns, in nanoseconds a repetition. */
export async function takeTurns(lanes: readonly Lane[], turns: number): Promise<ReadonlyMap<string, number>> {
  const repeats = new Map<Lane, number>();
  for (const lane of lanes) {
    for (let warm = 0; warm < 20; warm++) await nanos(lane, 1_000);
    repeats.set(lane, Math.max(1, Math.round((turnMs * 1e6) / (await nanos(lane, 1_000)))));
  }
  const seen = new Map<string, number[]>(lanes.map(({ name }) => [name, []]));
  for (let turn = 0; turn < turns; turn++) {
    for (const lane of lanes) seen.get(lane.name)?.push(await nanos(lane, repeats.get(lane) ?? 1));
  }
  return new Map([...seen].map(([name, values]) => [name, median(values)]));
}

async function nanos(lane: Lane, repeat: number): Promise<number> {
  const start = process.hrtime.bigint();
  await lane.run(repeat);
  return Number(process.hrtime.bigint() - start) / repeat;
}
