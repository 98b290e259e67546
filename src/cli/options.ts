import { parseArgs } from "node:util";
import { maxTimerMs } from "../async/sleep.ts";
import { didYouMean, UsageError } from "./usage-error.ts";

/** Every option of every verb. `value` is what the help calls its value. */
export const optionSpecs = {
  registry: {
    type: "string",
    value: "WHERE",
    text: "consul://host:port or file:DIR (default: MESH_REGISTRY, else file:)",
  },
  address: {
    type: "string",
    value: "URL",
    text: "go straight to http://host:port, https://host:port or unix:/path",
  },
  image: {
    type: "string",
    value: "FILE",
    text: "take the contracts from a file of `buf build -o`, not from reflection",
  },
  channel: {
    type: "string",
    multiple: true,
    value: "NAME",
    text: "channel to call over; several, with commas, in order of preference",
  },
  instance: { type: "string", value: "ID", text: "call this instance and no other" },
  header: {
    type: "string",
    multiple: true,
    short: "H",
    value: "KEY:VALUE",
    text: "send a request header; may be repeated",
  },
  connect: { type: "boolean", text: "also the operations of the Connect protocol" },
  timeout: { type: "string", value: "TIME", text: "how long to wait: 500ms, 5s, 2m, 1h" },
  verbose: {
    type: "boolean",
    short: "v",
    text: "show headers, trailers and what the mesh does on standard error",
  },
  explain: { type: "boolean", text: "show on standard error where the call went, and why" },
  json: { type: "boolean", text: "print JSON for programs, one value a line; errors too" },
  help: { type: "boolean", short: "h", text: "show this help" },
  version: { type: "boolean", short: "V", text: "show the version" },
} as const;

/** Name of an option, without dashes. */
export type OptionName = keyof typeof optionSpecs;

/** The options that were given. */
export interface Values {
  readonly registry?: string | undefined;
  readonly address?: string | undefined;
  readonly image?: string | undefined;
  readonly channel?: readonly string[] | undefined;
  readonly instance?: string | undefined;
  readonly header?: readonly string[] | undefined;
  readonly connect?: boolean | undefined;
  readonly timeout?: string | undefined;
  readonly verbose?: boolean | undefined;
  readonly explain?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly help?: boolean | undefined;
  readonly version?: boolean | undefined;
}

/** A command line, split. */
export interface CommandLine {
  readonly values: Values;
  /** All that is no option: the verb and what follows it. */
  readonly operands: readonly string[];
}

/** Splits a command line. Throws a {@link UsageError} for options that no verb has. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: optionSpecs,
      allowPositionals: true,
    });
    return { values, operands: positionals };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [said = ""] = error.message.split("\n");
    const option = /'(-[^' ]+)/.exec(said)?.[1] ?? "";
    if (!said.startsWith("Unknown option")) {
      throw new UsageError(`${option}: ${said.includes("not take") ? "takes no value" : "needs a value"}`);
    }
    const names = Object.keys(optionSpecs).map((name) => `--${name}`);
    const near = didYouMean(option, names);
    throw new UsageError(`there is no option ${option}`, near ?? "mesh VERB --help lists all");
  }
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `500ms`, `5s`, `2m`, `1h` in milliseconds. Throws a {@link UsageError} for anything else. */
export function timeoutMs(text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(number) * (units[unit] ?? 0);
  if (ms > 0 && ms <= maxTimerMs) return ms;
  throw new UsageError(`--timeout ${text}: must be a time above 0, such as 500ms, 5s, 2m or 1h`);
}
