import { cellTitle, rateOf, streamCell, unaryTitle } from "./cell.ts";
import type { Sample } from "./cell.ts";
import { draw } from "./chart.ts";
import type { Bar, Row } from "./chart.ts";
import type { Results } from "./compare.ts";
import { median, spread } from "./stats.ts";

/** A picture that a run gives. */
export interface Picture {
  /** Name of the file. */
  readonly file: string;
  /** What it shows, in words. */
  readonly alt: string;
  readonly svg: string;
}

/** All pictures of a run, as far as it measured what they show. */
export function pictures(results: Results): readonly Picture[] {
  const shown = ["hello", "record", "tree"];
  const inFlight = shown.map((message) => [message, unaryTitle(message, 32)] as const);
  const oneAtATime = ["hello", "record"].map((message) => [message, unaryTitle(message, 1)] as const);
  const streams = [["small messages", cellTitle(streamCell)] as const];
  return [
    picture(results, { file: "unary.svg", title: "Calls a second, 32 in flight", columns: inFlight, of: rateOf }),
    picture(results, {
      file: "latency.svg",
      title: "Median latency in µs, one call at a time",
      columns: oneAtATime,
      of: ({ p50 }) => p50,
      lessIsBetter: true,
    }),
    picture(results, {
      file: "stream.svg",
      title: "Messages a second of one server stream",
      columns: streams,
      of: rateOf,
    }),
  ].filter((one) => one !== undefined);
}

interface Wanted {
  readonly file: string;
  readonly title: string;
  readonly columns: readonly (readonly [title: string, cell: string])[];
  readonly of: (sample: Sample) => number;
  readonly lessIsBetter?: boolean;
}

function picture({ samples, names, machine }: Results, wanted: Wanted): Picture | undefined {
  const { file, title, columns, of, lessIsBetter = false } = wanted;
  const measured = columns.filter(([, cell]) => samples.some((sample) => sample.cell === cell));
  const rows = Object.entries(names)
    .map(([key, label]): Row => {
      const bars = measured.map(([, cell]) =>
        barOf(samples.filter((sample) => sample.contender === key && sample.cell === cell).map(of)),
      );
      return { label, kind: kindOf(key), bars };
    })
    .filter(({ bars }) => bars.some((bar) => bar !== undefined))
    .sort((a, b) => (first(b) - first(a)) * (lessIsBetter ? -1 : 1));
  if (rows.length === 0) return undefined;
  const { cpu, cores, node, date } = machine;
  const subtitle = [
    lessIsBetter ? "less is better" : "more is better",
    `${cpu}, ${cores} cores for both sides, Node ${node}, ${date}`,
    "lines: lowest to highest round",
  ].join(" · ");
  return { file, alt: title, svg: draw({ title, subtitle, columns: measured.map(([name]) => name), rows }) };
}

function barOf(values: readonly number[]): Bar | undefined {
  if (values.length === 0) return undefined;
  const [low, high] = spread(values);
  return { value: median(values), low, high };
}

function first({ bars }: Row): number {
  return bars[0]?.value ?? 0;
}

function kindOf(key: string): Row["kind"] {
  if (key.startsWith("mesh-") || key === "grpc-js-to-mesh") return "mesh";
  return key.startsWith("floor-") ? "floor" : "peer";
}
