// What connect-mesh must reach, as ratios within one run.
import { cellTitle, streamCell, unaryTitle } from "./cell.ts";

/** What is compared: calls a second, or a latency. */
export type Measure = "rate" | "p50" | "p99";

/** A figure that must be reached. */
export interface Goal {
  readonly figure: string;
  /** Key of the contender that it is about. */
  readonly of: string;
  /** Title of the cell. */
  readonly cell: string;
  readonly measure: Measure;
  /** Who it is compared with, in words. */
  readonly against: string;
  /** Keys of those; the best of them counts. None: the figure is a time a call, in microseconds. */
  readonly than: readonly string[];
  /** At least this for a rate, at most this for a time. */
  readonly bound: number;
}

const messages = ["hello", "record", "tree"] as const;
const stock = ["connect-h1", "connect-h2", "connect-json", "connect-grpc"] as const;

/** Who is compared with whom, with how much. */
type Match = readonly [against: string, than: readonly string[], bound: number];

function unary(of: string, matches: readonly Match[], names: readonly string[] = messages): readonly Goal[] {
  return names.flatMap((message) =>
    matches.map(([against, than, bound]): Goal => {
      const cell = unaryTitle(message, 32);
      return { figure: `\`${of}\`, ${message}`, of, cell, measure: "rate", against, than, bound };
    }),
  );
}

function oneAtATime(of: string, floor: string): readonly Goal[] {
  return messages.flatMap((message) =>
    (["p50", "p99"] as const).map((measure): Goal => {
      const bound = measure === "p50" ? 1.25 : 1.5;
      const figure = `\`${of}\`, ${message}, one at a time, ${measure}`;
      return { figure, of, cell: unaryTitle(message, 1), measure, against: `\`${floor}\``, than: [floor], bound };
    }),
  );
}

function stream(of: string, matches: readonly Match[]): readonly Goal[] {
  return matches.map(([against, than, bound]): Goal => {
    const cell = cellTitle(streamCell);
    return { figure: `\`${of}\`, server stream`, of, cell, measure: "rate", against, than, bound };
  });
}

function local(message: string): Goal {
  const cell = cellTitle({ kind: "local", message, inFlight: 1 });
  const figure = `local, ${message}, µs a call`;
  return { figure, of: "mesh-local", cell, measure: "p50", against: "", than: [], bound: 2 };
}

function floor(of: string, bound = 0.85): Match {
  return [`\`${of}\``, [of], bound];
}

const js: readonly string[] = ["grpc-js"];

/** Every goal, in order. */
export const goals: readonly Goal[] = [
  ...unary("mesh-protobuf", [floor("floor-h2-protobuf"), ["stock connect-node's best", stock, 4], ["grpc-js", js, 2]]),
  ...unary("mesh-protobuf-h1", [floor("floor-h1-protobuf")]),
  ...unary("mesh-grpc", [
    floor("floor-h2-protobuf"),
    ["grpc-js", js, 1.5],
    ["stock connect-node gRPC", ["connect-grpc"], 4],
  ]),
  ...unary("grpc-js-to-mesh", [["grpc-js to grpc-js", js, 1]]),
  ...unary("mesh-to-grpc-js", [["grpc-js to grpc-js", js, 1]]),
  ...stream("grpc-js-to-mesh", [["grpc-js to grpc-js", js, 1]]),
  ...stream("mesh-to-grpc-js", [["grpc-js to grpc-js", js, 1]]),
  ...unary("mesh-json", [floor("floor-h2-json")]),
  ...unary("mesh-msgpack", [floor("floor-h2-msgpack")]),
  ...unary("mesh-protobuf", [floor("mesh-msgpack", 1)], ["record", "tree"]),
  ...unary("mesh-msgpack", [floor("mesh-json", 1)], ["record", "tree"]),
  ...unary("mesh-json", [floor("mesh-rest", 1)], ["record", "tree"]),
  ...unary("mesh-rest", [floor("mesh-json", 0.75)]),
  ...oneAtATime("mesh-protobuf", "floor-h2-protobuf"),
  ...oneAtATime("mesh-protobuf-h1", "floor-h1-protobuf"),
  ...oneAtATime("mesh-grpc", "floor-h2-protobuf"),
  ...oneAtATime("mesh-json", "floor-h2-json"),
  ...oneAtATime("mesh-msgpack", "floor-h2-msgpack"),
  ...messages.map(local),
  ...stream("mesh-protobuf", [["stock connect-node's best", stock, 3], ["grpc-js", js, 1.2]]),
  ...stream("mesh-grpc", [["stock connect-node's best", stock, 3], ["grpc-js", js, 1.2]]),
];
