import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import type { FieldPath } from "../protocol/rest/field-path.ts";
import { isRequired } from "./behavior.ts";
import type { SchemaContext } from "./context.ts";
import type { Schema } from "./model.ts";
import { choiceSchema } from "./oneofs.ts";
import type { Choice } from "./oneofs.ts";
import { placed, property } from "./properties.ts";
import { paragraphs } from "./prose.ts";
import { celExtension, celNotes } from "./values.ts";

/** Options of {@link messageSchema}. */
export interface MessageOptions {
  /**
   * Fields that are elsewhere in the request, and so not in here. A path into a
   * field takes away only the end of that path. Default none.
   */
  readonly bound?: readonly FieldPath[];
  /** Whether required fields may be left out, as in the body of a PATCH. Default false. */
  readonly partial?: boolean;
}

/** The schema of a message. */
export function messageSchema(
  desc: DescMessage,
  context: SchemaContext,
  { bound = [], partial = false }: MessageOptions = {},
): Schema {
  const fields = desc.fields.filter((field) => !isBound(field, bound));
  const properties = fields.map((field): [string, Schema] => {
    const inside = bound.filter(([first]) => first === field).map((path) => path.slice(1));
    if (inside.length === 0 || field.message === undefined) return [field.jsonName, property(field, context)];
    return [field.jsonName, placed(field, messageSchema(field.message, context, { bound: inside }), context)];
  });
  const required = partial ? [] : fields.filter((field) => isRequired(field, context.rules));
  const { cel } = context.rules.message(desc);
  const description = paragraphs(
    context.comments.of(desc),
    ...celNotes(cel).map((text) => `Rule: ${text}.`),
  );
  return {
    type: "object",
    ...(description === undefined ? {} : { description }),
    ...(desc.deprecated ? { deprecated: true } : {}),
    // Keys such as `__proto__` are properties like others this way.
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
    ...(required.length === 0 ? {} : { required: required.map(({ jsonName }) => jsonName) }),
    ...choiceSchema(choices(desc, fields, context)),
    ...celExtension(cel),
  };
}

/** Whether a field is bound elsewhere, or is in a oneof with one that is and so cannot be set here. */
export function isBound(field: DescField, bound: readonly FieldPath[]): boolean {
  return bound.some(
    ([first, next]) =>
      (first === field && next === undefined) ||
      (first !== field && first?.oneof !== undefined && first.oneof === field.oneof),
  );
}

function choices(
  desc: DescMessage,
  fields: readonly DescField[],
  { rules }: SchemaContext,
): readonly Choice[] {
  const namesOf = (wanted: (field: DescField) => boolean): readonly string[] =>
    fields.filter(wanted).map(({ jsonName }) => jsonName);
  return [
    ...desc.oneofs.map((oneof) => ({
      names: namesOf((field) => field.oneof === oneof),
      required: rules.required(oneof),
    })),
    ...rules.message(desc).oneof.map((rule) => ({
      names: namesOf(({ name }) => rule.fields.includes(name)),
      required: rule.required === true,
    })),
  ];
}

/** The schema of an enum: the names of its values. */
export function enumSchema(desc: DescEnum, { comments }: SchemaContext): Schema {
  if (desc.typeName === "google.protobuf.NullValue") return { type: "null" };
  const values = desc.values.map((value) => {
    const comment = comments.of(value)?.replaceAll(/\s+/g, " ");
    return comment === undefined ? undefined : `- \`${value.jsonName}\`: ${comment}`;
  });
  const told = values.filter((value) => value !== undefined);
  const description = paragraphs(comments.of(desc), told.join("\n"));
  return {
    type: "string",
    ...(description === undefined ? {} : { description }),
    ...(desc.deprecated ? { deprecated: true } : {}),
    enum: desc.values.map(({ jsonName }) => jsonName),
  };
}
