import { parseArgs } from "node:util";

/** A program that plays some of what it knows: all without ids, else those that are named. */
export interface Program {
  /** How it is called, such as `npm run faults --`. */
  readonly call: string;
  /** What it does, in a sentence or two. */
  readonly purpose: string;
  /** What one of its things is called, such as `scenario`. */
  readonly noun: string;
  /** All that it can play. */
  readonly known: ReadonlyArray<{ readonly id: string; readonly title: string }>;
  /** Whether it takes `--seeds`. */
  readonly seeds: boolean;
}

/** What was asked of a {@link Program}. */
export interface Wanted {
  /** What to play; empty for all. */
  readonly ids: readonly string[];
  readonly json: boolean;
  readonly seeds: number | undefined;
}

/** What to say instead of playing anything, and the exit code: 0 for help, 2 for a mistake. */
export interface Said {
  readonly text: string;
  readonly exitCode: 0 | 2;
}

/** Reads the arguments of a program. */
export function commandLine(program: Program, args: readonly string[]): Wanted | Said {
  const { noun, known } = program;
  let read: ReturnType<typeof parse>;
  try {
    read = parse(args);
  } catch (error) {
    return mistake(program, (error instanceof Error ? error.message : String(error)).split(/\. |\n/)[0] ?? "");
  }
  const { values, positionals } = read;
  if (values.help) return { text: help(program), exitCode: 0 };
  const unknown = positionals.find((id) => !known.some((one) => one.id === id));
  if (unknown !== undefined) {
    const names = known.map(({ id }) => `  ${id}`).join("\n");
    return { text: `there is no ${noun} '${unknown}'; there are:\n${names}`, exitCode: 2 };
  }
  if (values.seeds === undefined) return { ids: positionals, json: values.json, seeds: undefined };
  if (!program.seeds) return mistake(program, "Unknown option '--seeds'");
  if (!/^[1-9]\d{0,5}$/.test(values.seeds)) return mistake(program, `--seeds takes a whole number of 1 or more, not '${values.seeds}'`);
  return { ids: positionals, json: values.json, seeds: Number(values.seeds) };
}

/** Reads the arguments of this process; ends it when there is nothing to play. */
export function wanted(program: Program): Wanted {
  const read = commandLine(program, process.argv.slice(2));
  if (!("exitCode" in read)) return read;
  if (read.exitCode === 0) console.log(read.text);
  else console.error(read.text);
  process.exit(read.exitCode);
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h", default: false },
      json: { type: "boolean", default: false },
      seeds: { type: "string" },
    },
  });

function mistake({ call }: Program, text: string): Said {
  return { text: `${text}; see ${call} --help`, exitCode: 2 };
}

function help({ call, purpose, noun, known, seeds }: Program): string {
  const width = Math.max(...known.map(({ id }) => id.length));
  return [
    `${call} [${noun}...]${seeds ? " [--seeds N]" : ""} [--json]`,
    "",
    purpose,
    `Without a ${noun} all are played, and the results are written to docs/. With one, nothing is written.`,
    "",
    ...(seeds ? ["  --seeds N  how many seeds each takes, 1 or more; then nothing is written either"] : []),
    "  --json     print data instead of tables",
    "  --help     this text",
    "",
    `Each ${noun}; quote those with a space:`,
    ...known.map(({ id, title }) => `  ${id.padEnd(width)}  ${title}`),
  ].join("\n");
}
