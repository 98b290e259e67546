import { optionSpecs } from "./options.ts";
import type { OptionName } from "./options.ts";
import { aligned } from "./table.ts";
import type { Verb } from "./verb.ts";
import { verbs } from "./verbs.ts";

const exitCodes = `Exit codes:
  0  all is well
  1  the call or the check failed
  2  the command line is wrong, or a message
  130, 143, 141  it was interrupted, terminated, or nobody reads its output
`;

/** What `mesh --help` prints. */
export function generalHelp(): string {
  return `mesh looks into a mesh and calls it.

Usage: mesh VERB [OPTIONS]

Verbs:
${indented(verbs.map(({ name, summary }) => [name, summary]))}
Options of most verbs:
${optionLines(["registry", "timeout", "json", "help", "version"])}
${exitCodes}
\`mesh VERB --help\` tells more.
`;
}

/** What `mesh VERB --help` prints. */
export function verbHelp(verb: Verb): string {
  return `Usage: mesh ${verb.name} ${verb.usage} [OPTIONS]

${verb.about}

Options:
${optionLines([...verb.options, "help"])}
${exitCodes}`;
}

function optionLines(names: readonly OptionName[]): string {
  const rows = names.map((name) => {
    const spec = optionSpecs[name];
    const short = "short" in spec ? `-${spec.short}, ` : "";
    const value = "value" in spec ? ` ${spec.value}` : "";
    return [`${short}--${name}${value}`, spec.text];
  });
  return indented(rows);
}

function indented(rows: readonly (readonly string[])[]): string {
  return aligned(rows).replaceAll(/^/gm, "  ").trimEnd() + "\n";
}
