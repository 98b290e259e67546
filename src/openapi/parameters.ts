import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { isTextField, isTextMessage } from "../protocol/rest/field-path.ts";
import type { FieldPath } from "../protocol/rest/field-path.ts";
import type { RestBinding } from "../protocol/rest/rule.ts";
import { behavior, isRequired } from "./behavior.ts";
import type { SchemaContext } from "./context.ts";
import { isBound } from "./messages.ts";
import type { Parameter, Schema } from "./model.ts";
import { jsonPath } from "./path.ts";
import type { PathParameter } from "./path.ts";
import { paragraphs } from "./prose.ts";
import { fieldSchema } from "./values.ts";

/** Levels of messages that query parameters are shown for. Servers take more. */
const maxDepth = 5;

/** A path parameter. @param name the name that it has in its path */
export function pathParameter(
  { variable, whole, multi }: PathParameter,
  name: string,
  binding: RestBinding,
  context: SchemaContext,
): Parameter {
  const field = variable?.fields.at(-1);
  const { description: rules, ...schema }: Schema =
    field === undefined || !whole ? { type: "string" } : fieldSchema(field, context);
  const segments = variable === undefined ? [] : binding.template.segments.slice(variable.start, variable.end);
  const form = segments.map((segment) =>
    segment.kind === "literal" ? segment.text : segment.kind === "single" ? "*" : "**",
  );
  const description = paragraphs(
    field === undefined ? undefined : context.comments.of(field),
    rules,
    whole || variable === undefined
      ? undefined
      : `A part of \`${jsonPath(variable.fields)}\`, which is \`${form.join("/")}\`.`,
    multi ? "May hold several segments with slashes, which are not escaped." : undefined,
  );
  return {
    name,
    in: "path",
    ...(description === undefined ? {} : { description }),
    required: true,
    ...(field?.deprecated === true ? { deprecated: true } : {}),
    schema,
  };
}

/**
 * The query parameters of a binding: every field that a text can hold and that
 * neither path nor body binds, with those of messages inside as dotted paths. A
 * message inside of itself is not entered again, and fields that are output
 * only are left out.
 */
export function queryParameters(binding: RestBinding, context: SchemaContext): readonly Parameter[] {
  if (binding.body === "*") return [];
  const bound: FieldPath[] = binding.variables.map(({ fields }) => fields);
  if (binding.body !== undefined) bound.push([binding.body]);
  return leaves(binding.method.input, [], bound, [binding.method.input]).map((fields) =>
    queryParameter(fields, context),
  );
}

function leaves(
  message: DescMessage,
  before: FieldPath,
  bound: readonly FieldPath[],
  inside: readonly DescMessage[],
): readonly FieldPath[] {
  return message.fields
    .filter((field) => !isBound(field, bound) && !behavior(field).readOnly)
    .flatMap((field) => {
      const path = [...before, field];
      if (isTextField(field) || isTextList(field)) return [path];
      if (field.fieldKind !== "message" || !isEntered(field.message, inside)) return [];
      const deeper = bound.filter(([first]) => first === field).map((fields) => fields.slice(1));
      return leaves(field.message, path, deeper, [...inside, field.message]);
    });
}

function isEntered(message: DescMessage, inside: readonly DescMessage[]): boolean {
  return inside.length < maxDepth && !inside.includes(message) && message.file.proto.package !== "google.protobuf";
}

function isTextList(field: DescField): boolean {
  return field.fieldKind === "list" && (field.listKind !== "message" || isTextMessage(field.message));
}

function queryParameter(fields: FieldPath, context: SchemaContext): Parameter {
  const field = fields.at(-1);
  const { description: rules, ...schema }: Schema = field === undefined ? {} : fieldSchema(field, context);
  const description = paragraphs(field === undefined ? undefined : context.comments.of(field), rules);
  const required = fields.every((each) => isRequired(each, context.rules));
  return {
    name: jsonPath(fields),
    in: "query",
    ...(description === undefined ? {} : { description }),
    ...(required ? { required } : {}),
    ...(fields.some(({ deprecated }) => deprecated) ? { deprecated: true } : {}),
    ...(field?.fieldKind === "list" ? { style: "form", explode: true } : {}),
    schema,
  };
}
