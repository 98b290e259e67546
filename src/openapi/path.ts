import { encodeSegment } from "../protocol/rest/percent.ts";
import type { RestBinding, RestVariable } from "../protocol/rest/rule.ts";

/** A wildcard of a path template as a path parameter. */
export interface PathParameter {
  readonly name: string;
  /** The variable that captures it; undefined for a wildcard outside of variables. */
  readonly variable: RestVariable | undefined;
  /** Whether it is the only wildcard of its variable and captures nothing else. */
  readonly whole: boolean;
  /** Whether it stands for all segments that are left. */
  readonly multi: boolean;
}

/** A path template as OpenAPI has it. */
export interface OpenApiPath {
  /** The path with `{}` for each parameter: the same for paths that OpenAPI cannot tell apart. */
  readonly shape: string;
  readonly parameters: readonly PathParameter[];
}

/**
 * Expands a path template: literals are in the path, and each wildcard is a
 * parameter, because OpenAPI's cannot hold a slash. The first wildcard of a
 * variable has the variable's name, in JSON's spelling; the next ones have a
 * number behind it.
 */
export function openapiPath({ template, variables }: RestBinding): OpenApiPath {
  const parameters: PathParameter[] = [];
  const taken = new Set<string>();
  const segments = template.segments.map((segment, at) => {
    if (segment.kind === "literal") return encodeSegment(segment.text);
    const variable = variables.find(({ start, end }) => start <= at && at < end);
    const name = unused(variable === undefined ? "segment" : jsonPath(variable.fields), taken);
    const whole = variable !== undefined && variable.end - variable.start === 1;
    parameters.push({ name, variable, whole, multi: segment.kind === "multi" });
    return "{}";
  });
  const verb = template.verb === undefined ? "" : `:${encodeSegment(template.verb)}`;
  return { shape: `/${segments.join("/")}${verb}`, parameters };
}

/** The path with the names of its parameters. */
export function namedPath(shape: string, names: readonly string[]): string {
  let at = 0;
  return shape.replaceAll("{}", () => `{${names[at++] ?? ""}}`);
}

/** A path of fields as JSON spells their names. */
export function jsonPath(fields: RestVariable["fields"]): string {
  return fields.map(({ jsonName }) => jsonName).join(".");
}

function unused(name: string, taken: Set<string>): string {
  let free = name;
  for (let number = 1; taken.has(free); number++) free = `${name}_${number}`;
  taken.add(free);
  return free;
}
