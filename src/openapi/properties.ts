import { ScalarType } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt";
import { behavior } from "./behavior.ts";
import type { SchemaContext } from "./context.ts";
import type { Schema } from "./model.ts";
import { paragraphs } from "./prose.ts";
import { zero } from "./scalars.ts";
import { fieldSchema } from "./values.ts";
import { wrapped } from "./well-known.ts";

/** The schema of a field as a property of its message. */
export function property(field: DescField, context: SchemaContext): Schema {
  const value = present(field, fieldSchema(field, context), context);
  return placed(field, canBeNull(field, context) ? orNull(value) : value, context);
}

/** A field's schema with its comment and its use. */
export function placed(field: DescField, schema: Schema, { comments }: SchemaContext): Schema {
  const { readOnly, writeOnly, immutable } = behavior(field);
  const { description: rules, ...rest } = schema;
  const description = paragraphs(
    comments.of(field),
    rules,
    immutable ? "Cannot be changed once it is set." : undefined,
  );
  return {
    ...rest,
    ...(description === undefined ? {} : { description }),
    ...(field.deprecated ? { deprecated: true } : {}),
    ...(readOnly ? { readOnly } : {}),
    ...(writeOnly ? { writeOnly } : {}),
  };
}

/** Whether null, which ProtoJSON reads as absent, is worth telling: with `optional` and wrappers. */
function canBeNull(field: DescField, { nullable, rules }: SchemaContext): boolean {
  if (!nullable || field.oneof !== undefined || field.presence !== Presence.EXPLICIT) return false;
  if (rules.field(field)?.required === true) return false;
  return field.fieldKind === "message" ? wrapped(field.message) !== undefined : field.fieldKind !== "list";
}

/** The schema, or null. */
function orNull(schema: Schema): Schema {
  const { description, ...rest } = schema;
  const told = description === undefined ? {} : { description };
  const { type, enum: values, const: only, anyOf } = rest;
  if (typeof type === "string" && values === undefined && only === undefined && anyOf === undefined) {
    return { ...rest, ...told, type: [type, "null"] };
  }
  if (anyOf !== undefined && Object.keys(rest).length === 1) {
    return { ...told, anyOf: [...anyOf, { type: "null" }] };
  }
  return { ...told, anyOf: [rest, { type: "null" }] };
}

/** A required field without presence must differ from its zero value (buf/validate/validate.proto, `required`). */
function present(field: DescField, schema: Schema, { rules }: SchemaContext): Schema {
  if (rules.field(field)?.required !== true || field.presence !== Presence.IMPLICIT) return schema;
  if (field.fieldKind === "list") return { minItems: 1, ...schema };
  if (field.fieldKind === "map") return { minProperties: 1, ...schema };
  const { type, enum: values, const: only, not } = schema;
  if (values !== undefined || only !== undefined || not !== undefined) return schema;
  const isText = field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES;
  if (isText && type === "string") return { minLength: 1, ...schema };
  if (field.fieldKind === "scalar") return { ...schema, not: { const: zero(field.scalar) } };
  const none = field.enum?.values.find(({ number }) => number === 0)?.jsonName;
  return none === undefined ? schema : { ...schema, not: { const: none } };
}
