// Results as Markdown.
import { cellTitle, rateOf } from "./cell.ts";
import type { Sample } from "./cell.ts";
import type { Results } from "./compare.ts";
import type { Machine } from "./machine.ts";
import { median, spread } from "./stats.ts";
import { judge } from "./verdict.ts";
import type { Verdict } from "./verdict.ts";

/** The machine and the versions, in a paragraph. */
export function machineText({ cpu, cores, memoryGb, os, node, date, commit, versions }: Machine): string {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return (
    `${date}, commit ${commit}: ${cpu}, ${cores} cores for both sides, ${memoryGb} GB, ${os}, Node ${node}. ` +
    `${list.join(", ")}.`
  );
}

/** How the run was made, in a paragraph. */
export function planText({ plan, failures }: Results): string {
  const { quick, passes, rounds, forMs, warmMs } = plan;
  const missing = Object.entries(failures).map(([key, why]) => `**${key} is missing:** ${why.split("\n")[0]}`);
  const times = quick ? "a quick run, with times cut to fit" : `${forMs} ms each after ${warmMs} ms of warming up`;
  return [
    `${passes} × ${rounds} rounds, contenders interleaved, ${times}; medians, with the lowest and the highest round.`,
    ...missing,
  ].join("\n\n");
}

/** Every goal with what was reached. */
export function verdictTable(results: Results): string {
  const verdicts = judge(results.samples);
  const seen = verdicts.filter((verdict) => verdict !== undefined);
  const met = seen.filter((verdict) => verdict.met).length;
  const left = verdicts.length - seen.length;
  if (seen.length === 0) return "None of the goals' figures was measured.";
  return [
    `${met} of ${seen.length} figures are reached${left > 0 ? `; ${left} were not measured` : ""}.`,
    "",
    "| figure | measured | against | measured | must reach | reached | rounds | |",
    "| --- | --: | --- | --: | --: | --: | --: | --- |",
    ...seen.map(verdictRow),
  ].join("\n");
}

function verdictRow({ goal, ours, theirs, best, reached, low, high, met }: Verdict): string {
  const { figure, against, bound, measure, than } = goal;
  const unit = measure === "rate" ? "/s" : " µs";
  const whole = (value: number): string => `${Math.round(value)}${unit}`;
  const other = than.length > 1 ? `${against} (\`${best}\`)` : against;
  const range = `${low.toFixed(2)}–${high.toFixed(2)}`;
  const own = than.length === 0 ? `${ours.toFixed(2)} µs` : whole(ours);
  return (
    `| ${figure} | ${own} | ${other} | ${than.length === 0 ? "" : whole(theirs)} ` +
    `| ${measure === "rate" ? "≥" : "≤"} ${bound} | ${reached.toFixed(2)} | ${range} | ${met ? "yes" : "**no**"} |`
  );
}

/** A table for each cell, the fastest first. */
export function tables({ plan, samples, names }: Results): string {
  const lines: string[] = [];
  for (const cell of plan.cells) {
    const title = cellTitle(cell);
    const groups = Map.groupBy(samples.filter((sample) => sample.cell === title), ({ contender }) => contender);
    if (groups.size === 0) continue;
    const rows = [...groups].sort(([, a], [, b]) => median(b.map(rateOf)) - median(a.map(rateOf)));
    const best = median(rows[0]?.[1].map(rateOf) ?? []);
    lines.push(`### ${title}`, "");
    if (cell.kind === "local") {
      lines.push("| contender | ns a call | rounds | calls/s |", "| --- | --: | --: | --: |");
      for (const [key, list] of rows) lines.push(localRow(names[key] ?? key, list));
    } else {
      const latency = cell.kind === "unary";
      lines.push(
        `| contender | ${latency ? "calls" : "messages"}/s | rounds | of best |` +
          `${latency ? " p50 µs | p99 µs | p99.9 µs |" : ""} ` +
          "CPU µs server | CPU µs client | MB server | MB client |",
        `| --- ${"| --: ".repeat(latency ? 10 : 7)}|`,
      );
      for (const [key, list] of rows) lines.push(row(names[key] ?? key, list, best, latency));
    }
    lines.push("");
  }
  return lines.join("\n").trimEnd();
}

function row(name: string, list: readonly Sample[], best: number, latency: boolean): string {
  const rates = list.map(rateOf);
  const [low, high] = spread(rates).map(Math.round);
  const of = (pick: (sample: Sample) => number, digits = 0): string => median(list.map(pick)).toFixed(digits);
  const memory = (pick: (sample: Sample) => number): string => Math.max(...list.map(pick)).toFixed(0);
  const cells = [
    name,
    Math.round(median(rates)),
    `${low}–${high}`,
    (median(rates) / best).toFixed(2),
    ...(latency ? [of((s) => s.p50), of((s) => s.p99), of((s) => s.p999)] : []),
    of((s) => s.serverUs, latency ? 0 : 1),
    of((s) => s.clientUs, latency ? 0 : 1),
    memory((s) => s.serverRssMb),
    memory((s) => s.clientRssMb),
  ];
  return `| ${cells.join(" | ")} |`;
}

function localRow(name: string, list: readonly Sample[]): string {
  const nanos = list.map(({ calls, ms }) => Math.round((ms * 1e6) / calls));
  const [low, high] = spread(nanos);
  return `| ${name} | ${Math.round(median(nanos))} | ${low}–${high} | ${Math.round(median(list.map(rateOf)))} |`;
}
