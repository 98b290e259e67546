import { createRequire } from "node:module";
import { generalHelp, verbHelp } from "./help.ts";
import type { Io } from "./io.ts";
import { parseCommandLine } from "./options.ts";
import type { CommandLine, OptionName } from "./options.ts";
import { didYouMean, UsageError } from "./usage-error.ts";
import type { Verb } from "./verb.ts";
import { verbs } from "./verbs.ts";

/** Runs one command line and resolves to its exit code. Never rejects. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(parseCommandLine(args), io);
  } catch (error) {
    // Whoever ended it knows why.
    if (io.signal.aborted) return 1;
    // Loaded when something fails: the help needs none of the protocols.
    const { failureOf, failureText } = await import("./failure.ts");
    const failure = failureOf(error);
    const asJson = args.includes("--json");
    if (asJson) io.err(`${JSON.stringify(failure)}\n`);
    else if (error instanceof UsageError) io.err(`mesh: ${failure.message}\n`);
    else io.err(failureText(failure));
    return error instanceof UsageError ? 2 : 1;
  }
}

async function dispatch({ values, operands }: CommandLine, io: Io): Promise<number> {
  const [name, ...rest] = operands;
  if (values.version === true) {
    io.out(`${version()}\n`);
    return 0;
  }
  if (name === undefined) {
    const [option] = Object.keys(values).filter((given) => given !== "help");
    if (option !== undefined) {
      throw new UsageError(`--${option} is there, but no verb`, "see mesh --help");
    }
    io.out(generalHelp());
    return 0;
  }
  if (name === "help") {
    io.out(rest[0] === undefined ? generalHelp() : verbHelp(verbOf(rest[0])));
    return 0;
  }
  const verb = verbOf(name);
  if (values.help === true) {
    io.out(verbHelp(verb));
    return 0;
  }
  check(verb, Object.keys(values) as OptionName[], rest);
  const action = await verb.load();
  return action({ operands: rest, values, io });
}

function verbOf(name: string): Verb {
  const verb = verbs.find((one) => one.name === name);
  if (verb !== undefined) return verb;
  const near = didYouMean(name, [...verbs.map((one) => one.name), "help"]);
  throw new UsageError(`there is no verb ${name}`, near ?? "mesh --help lists them");
}

function check(verb: Verb, given: readonly OptionName[], operands: readonly string[]): void {
  const see = `see mesh ${verb.name} --help`;
  for (const option of given) {
    if (verb.options.includes(option)) continue;
    throw new UsageError(`mesh ${verb.name} does not take --${option}`, see);
  }
  const [least, most] = verb.operands;
  if (operands.length >= least && operands.length <= most) return;
  const what = operands.length < least ? "too little follows" : "too much follows";
  throw new UsageError(`${what}: mesh ${verb.name} ${verb.usage}`, see);
}

function version(): string {
  // By name, because the file is elsewhere in the repository than in the package.
  const { version } = createRequire(import.meta.url)("connect-mesh/package.json") as {
    version: string;
  };
  return version;
}
