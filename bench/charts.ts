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
    picture(results, "unary.svg", "Calls a second, 32 in flight", "more is better", inFlight, rateOf, true),
    picture(results, "latency.svg", "Median latency in µs, one call at a time", "less is better", oneAtATime, ({ p50 }) => p50, false),
    picture(results, "stream.svg", "Messages a second of one server stream", "more is better", streams, rateOf, true),
  ].filter((one) => one !== undefined);
}

function picture(
  { samples, names, machine }: Results,
  file: string,
  alt: string,
  better: string,
  columns: readonly (readonly [title: string, cell: string])[],
  figure: (sample: Sample) => number,
  descending: boolean,
): Picture | undefined {
  const measured = columns.filter(([, cell]) => samples.some((sample) => sample.cell === cell));
  const rows = Object.entries(names)
    .map(([key, label]): Row => {
      const bars = measured.map(([, cell]) =>
        barOf(samples.filter((sample) => sample.contender === key && sample.cell === cell).map(figure)),
      );
      return { label, kind: kindOf(key), bars };
    })
    .filter(({ bars }) => bars.some((bar) => bar !== undefined))
    .sort((a, b) => (first(b) - first(a)) * (descending ? 1 : -1));
  if (rows.length === 0) return undefined;
  const { cpu, cores, node, date } = machine;
  const subtitle = `${better} · ${cpu}, ${cores} cores for both sides, Node ${node}, ${date} · lines: lowest to highest round`;
  return { file, alt, svg: draw({ title: alt, subtitle, columns: measured.map(([title]) => title), rows }) };
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
