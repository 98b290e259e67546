import type { DescEnum } from "@bufbuild/protobuf";
import { keywords, note, shown, together, unconstrained } from "./constraint.ts";
import type { Constraint } from "./constraint.ts";
import type { Json } from "./model.ts";
import { rangeWords } from "./number-rules.ts";
import type { TypeRules } from "./rules.ts";

/** What the rules of bytes say, about the base64 text that JSON holds, with padding or without. */
export function bytesRules(rules: TypeRules): Constraint {
  return together(
    ...Object.entries(rules).map(([name, value]): Constraint => {
      const length = Number(value);
      const [shortest, longest] = [Math.ceil((length * 4) / 3), Math.ceil(length / 3) * 4];
      switch (name) {
        case "const":
          return keywords({ const: value });
        case "len":
          return together(
            keywords({ minLength: shortest, maxLength: longest }),
            note(`Must have ${length} bytes.`),
          );
        case "minLen":
          return together(keywords({ minLength: shortest }), note(`Must have at least ${length} bytes.`));
        case "maxLen":
          return together(keywords({ maxLength: longest }), note(`Must have at most ${length} bytes.`));
        case "in":
          return keywords({ enum: value as readonly Json[] });
        case "notIn":
          return keywords({ not: { enum: value as readonly Json[] } });
        case "example":
          return keywords({ examples: value as readonly Json[] });
        case "pattern":
          return note(`The bytes must match the RE2 expression \`${shown(value)}\`.`);
        case "prefix":
          return note(`The bytes must begin with those of the base64 text \`${shown(value)}\`.`);
        case "suffix":
          return note(`The bytes must end with those of the base64 text \`${shown(value)}\`.`);
        case "contains":
          return note(`The bytes must contain those of the base64 text \`${shown(value)}\`.`);
        case "ip":
        case "ipv4":
        case "ipv6":
        case "uuid":
          return value === true ? note(`Must be the bytes of ${formWords[name]}.`) : unconstrained;
        default:
          return unconstrained;
      }
    }),
  );
}

const formWords = {
  ip: "an IP address",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  uuid: "a UUID",
} as const;

/** What the rules of a bool say. */
export function boolRules({ const: value, example }: TypeRules): Constraint {
  return together(
    value === undefined ? unconstrained : keywords({ const: value }),
    example === undefined ? unconstrained : keywords({ examples: example as readonly Json[] }),
  );
}

/** The names of an enum's values that the rules allow; undefined when they allow all. */
export function enumNames(of: DescEnum, rules: TypeRules): readonly string[] | undefined {
  const { const: only, in: some, notIn: others } = rules;
  if (only === undefined && some === undefined && others === undefined) return undefined;
  const allowed = (number: number): boolean =>
    (only === undefined || number === only) &&
    (some === undefined || (some as readonly number[]).includes(number)) &&
    !(others !== undefined && (others as readonly number[]).includes(number));
  return of.values.filter(({ number }) => allowed(number)).map(({ jsonName }) => jsonName);
}

/** What the rules of a duration or a time say. JSON Schema cannot order them. */
export function timeRules(rules: TypeRules): Constraint {
  const { const: value, in: values, notIn, example, ltNow, gtNow, within } = rules;
  const range = rangeWords(rules);
  return together(
    value === undefined ? unconstrained : note(`Must be ${shown(value)}.`),
    values === undefined ? unconstrained : note(`Must be one of ${texts(values)}.`),
    notIn === undefined ? unconstrained : note(`Must not be one of ${texts(notIn)}.`),
    example === undefined ? unconstrained : keywords({ examples: example as readonly Json[] }),
    range === "" ? unconstrained : note(`Must be ${range}.`),
    ltNow === true ? note("Must be in the past.") : unconstrained,
    gtNow === true ? note("Must be in the future.") : unconstrained,
    within === undefined ? unconstrained : note(`Must be within ${shown(within)} of now.`),
  );
}

/** What the rules of a field mask or an `Any` say about its paths or its type URL. */
export function listedRules(what: string, { const: value, in: values, notIn }: TypeRules): Constraint {
  return together(
    value === undefined ? unconstrained : note(`Must be \`${shown(value)}\`.`),
    values === undefined ? unconstrained : note(`${what} must be one of ${texts(values)}.`),
    notIn === undefined ? unconstrained : note(`${what} must not be one of ${texts(notIn)}.`),
  );
}

function texts(values: Json): string {
  return (values as readonly Json[]).map((value) => `\`${shown(value)}\``).join(", ");
}
