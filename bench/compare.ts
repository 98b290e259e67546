// Measures every contender with every cell, round after round. All of them run
// all the time, and take turns cell by cell: what the machine does otherwise
// hits all of them, and what is compared was measured within seconds.
import { aspyxKeys, installAspyx } from "./aspyx.ts";
import { cellTitle } from "./cell.ts";
import type { Cell, Sample } from "./cell.ts";
import { machine } from "./machine.ts";
import type { Machine } from "./machine.ts";
import type { Plan } from "./plan.ts";
import type { Runner } from "./runner.ts";
import { startAll } from "./start-all.ts";
import { again, timesOf, warmCells } from "./times.ts";
import type { Times } from "./times.ts";

/** Everything that a run found out. */
export interface Results {
  readonly machine: Machine;
  readonly plan: Plan;
  /** Names of contenders by key. */
  readonly names: Readonly<Record<string, string>>;
  /** Why contenders are missing, by key, and why some are at single cells, by key and title. */
  readonly failures: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
}

/** Runs a plan. @param keep is given what there is after each round, so that nothing is lost */
export async function compare(plan: Plan, keep: (results: Results) => void): Promise<Results> {
  const run = new Run(plan);
  for (let pass = 1; pass <= plan.passes; pass++) await run.pass(pass, keep);
  return run.results;
}

class Run {
  readonly #plan: Plan;
  readonly #startedMs = performance.now();
  readonly #names: Record<string, string> = {};
  readonly #failures: Record<string, string> = {};
  readonly #samples: Sample[] = [];
  readonly results: Results;

  constructor(plan: Plan) {
    this.#plan = plan;
    const python = plan.contenders.filter((key) => aspyxKeys.includes(key));
    const versions = python.length > 0 ? installAspyx() : undefined;
    if (versions === undefined) for (const key of python) this.#failures[key] = "it could not be installed";
    const [names, failures, samples] = [this.#names, this.#failures, this.#samples];
    this.results = { machine: machine(versions), plan, names, failures, samples };
  }

  /** Starts everything that has not failed, warms it up, and measures some rounds. */
  async pass(pass: number, keep: (results: Results) => void): Promise<void> {
    const plan = this.#plan;
    const wanted = plan.contenders.filter((key) => this.#failures[key] === undefined);
    const runners = await startAll(wanted, plan.aspyxCalls, (key, error) => { this.#fail(key, error); });
    try {
      for (const { key, name } of runners) this.#names[key] = name;
      const times = timesOf(plan, runners, performance.now() - this.#startedMs);
      for (const runner of runners) {
        process.stderr.write(`pass ${pass} of ${plan.passes}: warming up ${runner.key}\n`);
        for (const cell of warmCells(plan.cells, runner)) {
          await this.#attempt(runner, cell, () => runner.warm(cell, times.warmMs));
        }
      }
      for (let round = 1; round <= plan.rounds; round++) {
        process.stderr.write(`pass ${pass} of ${plan.passes}, round ${round} of ${plan.rounds}\n`);
        await this.#round((pass - 1) * plan.rounds + round, runners, times);
        keep(this.results);
      }
    } finally {
      await Promise.all(runners.map((runner) => runner.close()));
    }
  }

  async #round(round: number, runners: readonly Runner[], { forMs }: Times): Promise<void> {
    for (const [at, cell] of this.#plan.cells.entries()) {
      process.stderr.write(`  ${cellTitle(cell)}\n`);
      // Who comes after whom changes, so that nobody always runs on the same one's leavings.
      for (const runner of rotated(runners, round * 7 + at)) {
        if (!runner.takes(cell)) continue;
        await this.#attempt(runner, cell, async () => {
          await runner.warm(cell, forMs * again);
          const seen = await runner.measure(cell, forMs);
          this.#samples.push({ contender: runner.key, cell: cellTitle(cell), round, ...seen });
        });
      }
    }
  }

  /** What fails once is not tried again: it would take its time each time. */
  async #attempt({ key }: Runner, cell: Cell, work: () => Promise<void>): Promise<void> {
    const what = `${key}, ${cellTitle(cell)}`;
    if (this.#failures[what] !== undefined) return;
    try {
      await work();
    } catch (error) {
      this.#fail(what, error);
    }
  }

  #fail(what: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#failures[what] = why;
    process.stderr.write(`*** ${what} FAILED and is left out: ${why.split("\n")[0]}\n`);
  }
}

function rotated<T>(values: readonly T[], by: number): readonly T[] {
  const at = by % Math.max(1, values.length);
  return [...values.slice(at), ...values.slice(0, at)];
}
