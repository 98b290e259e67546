import { ScalarType } from "@bufbuild/protobuf";
import { keywords, note, shown, together, unconstrained } from "./constraint.ts";
import type { Constraint } from "./constraint.ts";
import type { Json, Schema } from "./model.ts";
import type { TypeRules } from "./rules.ts";
import { floating, isLong, scalarSchema } from "./scalars.ts";

/** The bounds of a range, with the words for them. */
const bounds = {
  gt: { keyword: "exclusiveMinimum", words: "greater than" },
  gte: { keyword: "minimum", words: "at least" },
  lt: { keyword: "exclusiveMaximum", words: "less than" },
  lte: { keyword: "maximum", words: "at most" },
} as const;

/** The schema of a number without its rules: of float and double only what the rules leave of it. */
export function numberSchema(type: ScalarType, rules: TypeRules): Schema {
  const [lower, upper] = range(rules);
  if (type !== ScalarType.FLOAT && type !== ScalarType.DOUBLE) {
    const { minimum, ...rest } = scalarSchema(type);
    return minimum === undefined || lower !== undefined ? rest : { ...rest, minimum };
  }
  const format = type === ScalarType.FLOAT ? "float" : "double";
  // A NaN is outside of every range, and an infinity of every bound on its side.
  const others = [
    ...(lower === undefined && upper === undefined ? ["NaN"] : []),
    ...(upper === undefined || isOutside(lower, upper, rules) ? ["Infinity"] : []),
    ...(lower === undefined || isOutside(lower, upper, rules) ? ["-Infinity"] : []),
  ];
  const listed = rules["const"] !== undefined || rules["in"] !== undefined;
  return floating(format, rules["finite"] === true || listed ? [] : others);
}

/** What the rules of a number say. */
export function numberRules(type: ScalarType, rules: TypeRules): Constraint {
  const { in: values, notIn, example } = rules;
  return together(
    rules["const"] === undefined ? unconstrained : keywords({ const: rules["const"] }),
    values === undefined ? unconstrained : keywords({ enum: list(values) }),
    notIn === undefined ? unconstrained : keywords({ not: { enum: list(notIn) } }),
    example === undefined ? unconstrained : keywords({ examples: list(example) }),
    rangeRules(type, rules),
  );
}

/** A range, or what is outside of it where its upper bound is below the lower one. */
function rangeRules(type: ScalarType, rules: TypeRules): Constraint {
  const [lower, upper] = range(rules);
  const isEither = isOutside(lower, upper, rules);
  const set = [lower, upper].filter((key) => key !== undefined);
  if (set.length === 0) return unconstrained;
  if (isLong(type)) return note(`Must be ${rangeWords(rules)}.`);
  const schemas = set.flatMap((key): readonly Schema[] => {
    const value = rules[key];
    // An infinite bound is text in JSON, and says nothing.
    return typeof value === "number" ? [{ [bounds[key].keyword]: value }] : [];
  });
  if (!isEither) return { schemas, notes: [] };
  return keywords({ anyOf: schemas });
}

/** The bounds of the rules in words, such as `at least 1 and less than 10`. */
export function rangeWords(rules: TypeRules): string {
  const [lower, upper] = range(rules);
  const words = [lower, upper]
    .filter((key) => key !== undefined)
    .map((key) => `${bounds[key].words} ${shown(rules[key])}`);
  return words.join(isOutside(lower, upper, rules) ? " or " : " and ");
}

function range(rules: TypeRules): readonly ["gt" | "gte" | undefined, "lt" | "lte" | undefined] {
  const lower = rules["gt"] === undefined ? (rules["gte"] === undefined ? undefined : "gte") : "gt";
  const upper = rules["lt"] === undefined ? (rules["lte"] === undefined ? undefined : "lte") : "lt";
  return [lower, upper];
}

/** buf/validate/validate.proto: when the upper bound is below the lower one, "the range is reversed". */
function isOutside(lower: string | undefined, upper: string | undefined, rules: TypeRules): boolean {
  if (lower === undefined || upper === undefined) return false;
  const [from, to] = [rules[lower], rules[upper]].map(comparable);
  return from !== undefined && to !== undefined && to < from;
}

/** Something that `<` orders: numbers, 64-bit numbers in text, durations such as `1.5s`, times. */
function comparable(value: Json | undefined): number | bigint | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  if (/^-?\d+$/.test(value)) return BigInt(value);
  return value.endsWith("s") ? Number(value.slice(0, -1)) : Date.parse(value);
}

function list(value: Json): readonly Json[] {
  return value as readonly Json[];
}
