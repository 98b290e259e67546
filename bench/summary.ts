import { rateOf } from "./cell.ts";
import type { Sample } from "./cell.ts";
import type { Results } from "./compare.ts";
import { median, spread } from "./stats.ts";

/** Results as JSON with one line for each contender and cell: medians over the rounds. */
export function summary({ machine, plan, names, failures, samples }: Results): string {
  const groups = Map.groupBy(samples, ({ cell, contender }) => `${cell}\n${contender}`);
  const lines = [...groups.values()].map((group) => JSON.stringify(line(group, names)));
  const head = JSON.stringify({ machine, plan, failures }).slice(1, -1);
  return `{\n${head},\n"medians": [\n${lines.join(",\n")}\n]\n}`;
}

function line(group: readonly Sample[], names: Results["names"]): object {
  const [one] = group;
  const rates = group.map(rateOf);
  const of = (pick: (sample: Sample) => number): number => Number(median(group.map(pick)).toFixed(1));
  const [low, high] = spread(rates).map(Math.round);
  return {
    cell: one?.cell,
    contender: one?.contender,
    name: names[one?.contender ?? ""],
    rounds: group.length,
    perSecond: Math.round(median(rates)),
    low,
    high,
    p50Us: of((sample) => sample.p50),
    p99Us: of((sample) => sample.p99),
    p999Us: of((sample) => sample.p999),
    serverCpuUs: of((sample) => sample.serverUs),
    clientCpuUs: of((sample) => sample.clientUs),
    serverRssMb: Math.max(...group.map((sample) => Math.round(sample.serverRssMb))),
    clientRssMb: Math.max(...group.map((sample) => Math.round(sample.clientRssMb))),
  };
}
