import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { both, unconstrained } from "./constraint.ts";
import type { Constraint } from "./constraint.ts";
import type { SchemaContext } from "./context.ts";
import type { Json, Schema } from "./model.ts";
import { numberRules, numberSchema } from "./number-rules.ts";
import { boolRules, bytesRules, enumNames, listedRules, timeRules } from "./other-rules.ts";
import { paragraphs } from "./prose.ts";
import type { CelRule, FieldRules, TypeRules } from "./rules.ts";
import { keySchema, scalarSchema, zero } from "./scalars.ts";
import { stringRules } from "./string-rules.ts";
import { wrapped } from "./well-known.ts";

/** One value: a field that is neither a list nor a map, or what a list or a map holds. */
type Value = Pick<DescField, "scalar" | "enum" | "message">;

/** The schema of a field's value with its rules, without what only concerns its place in a message. */
export function fieldSchema(field: DescField, context: SchemaContext): Schema {
  const rules = context.rules.field(field);
  if (field.fieldKind === "list") return listSchema(field, rules, context);
  if (field.fieldKind === "map") return mapSchema(field, rules, context);
  return valueSchema(field, rules, context);
}

function listSchema(field: DescField, rules: FieldRules | undefined, context: SchemaContext): Schema {
  const { minItems, maxItems, unique, items } = rules?.type ?? {};
  const base: Schema = { type: "array", items: valueSchema(field, context.rules.nested(items), context) };
  const limits: Schema = {
    ...(minItems === undefined ? {} : { minItems: Number(minItems) }),
    ...(maxItems === undefined ? {} : { maxItems: Number(maxItems) }),
    ...(unique === true ? { uniqueItems: true } : {}),
  };
  return ruled(base, { schemas: [limits], notes: [] }, rules, { ...base, maxItems: 0 });
}

function mapSchema(
  field: DescField & { fieldKind: "map" },
  rules: FieldRules | undefined,
  context: SchemaContext,
): Schema {
  const { minPairs, maxPairs, keys, values } = rules?.type ?? {};
  const keyRules = context.rules.nested(keys);
  const isText = field.mapKey === ScalarType.STRING;
  const names = isText ? ruled({}, stringRules(keyRules?.type ?? {}), keyRules, { const: "" }) : keySchema(field.mapKey);
  const base: Schema = {
    type: "object",
    ...(Object.keys(names).length === 0 ? {} : { propertyNames: names }),
    additionalProperties: valueSchema(field, context.rules.nested(values), context),
  };
  const limits: Schema = {
    ...(minPairs === undefined ? {} : { minProperties: Number(minPairs) }),
    ...(maxPairs === undefined ? {} : { maxProperties: Number(maxPairs) }),
  };
  return ruled(base, { schemas: [limits], notes: [] }, rules, { ...base, maxProperties: 0 });
}

function valueSchema(value: Value, rules: FieldRules | undefined, context: SchemaContext): Schema {
  if (value.scalar !== undefined) return scalarValue(value.scalar, rules);
  if (value.enum !== undefined) return enumValue(value.enum, rules, context);
  return value.message === undefined ? {} : messageValue(value.message, rules, context);
}

function scalarValue(type: ScalarType, rules: FieldRules | undefined): Schema {
  const of = rules?.type ?? {};
  if (type === ScalarType.STRING) return ruled(scalarSchema(type), stringRules(of), rules, { const: "" });
  if (type === ScalarType.BYTES) return ruled(scalarSchema(type), bytesRules(of), rules, { const: "" });
  if (type === ScalarType.BOOL) return ruled(scalarSchema(type), boolRules(of), rules, { const: false });
  return ruled(numberSchema(type, of), numberRules(type, of), rules, { const: zero(type) });
}

function enumValue(of: DescEnum, rules: FieldRules | undefined, context: SchemaContext): Schema {
  const names = rules === undefined ? undefined : enumNames(of, rules.type);
  const none: Schema = { const: of.values.find(({ number }) => number === 0)?.jsonName ?? 0 };
  if (names === undefined) return ruled(context.references.enum(of), unconstrained, rules, none);
  return ruled({ type: "string" }, { schemas: [{ enum: names }], notes: [] }, rules, none);
}

function messageValue(of: DescMessage, rules: FieldRules | undefined, context: SchemaContext): Schema {
  const scalar = wrapped(of);
  if (scalar !== undefined) return scalarValue(scalar, rules);
  return ruled(context.references.message(of), messageRules(of, rules?.type ?? {}), rules, undefined);
}

function messageRules({ typeName }: DescMessage, rules: TypeRules): Constraint {
  switch (typeName) {
    case "google.protobuf.Timestamp":
    case "google.protobuf.Duration":
      return timeRules(rules);
    case "google.protobuf.FieldMask":
      return listedRules("Each path", rules);
    case "google.protobuf.Any":
      return listedRules("`@type`", rules);
    default:
      return unconstrained;
  }
}

/**
 * A value's schema with what its rules say.
 *
 * @param none the schema of the zero value, which some rules let through whatever else they say
 */
function ruled(
  base: Schema,
  { schemas, notes }: Constraint,
  rules: FieldRules | undefined,
  none: Schema | undefined,
): Schema {
  const schema = both(base, schemas);
  const isFree = Object.keys(schema).length === Object.keys(base).length;
  const told = celNotes(rules?.cel ?? []);
  const { description, ...rest }: Schema =
    rules?.zeroAllowed === true && none !== undefined && !isFree ? { anyOf: [none, schema] } : schema;
  const words = paragraphs(description, ...notes, ...told.map((text) => `Rule: ${text}.`));
  return { ...rest, ...(words === undefined ? {} : { description: words }), ...celExtension(rules?.cel ?? []) };
}

/** What rules in CEL demand, in the words of the contract, else as expressions. */
export function celNotes(rules: readonly CelRule[]): readonly string[] {
  return rules.map(({ message, expression }) =>
    message === undefined || message === "" ? `\`${expression ?? ""}\`` : message,
  );
}

/** Rules in CEL as they are in the contract, in `x-cel`. */
export function celExtension(rules: readonly CelRule[]): Schema {
  return rules.length === 0 ? {} : { "x-cel": rules as unknown as Json };
}
