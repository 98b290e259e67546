import { ScalarType } from "@bufbuild/protobuf";
import type { DescField, JsonObject } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt";
import type { FieldPath } from "./field-path.ts";
import { encodeSegment } from "./percent.ts";
import type { RestBinding, RestVariable } from "./rule.ts";
import type { Template, TemplateSegment } from "./template.ts";

/** Writes the path for a message in JSON form, or says why the binding cannot carry it. */
export type PathWriter = (json: JsonObject) => { readonly path: string } | string;

/**
 * Compiles how a binding's paths are written. A value must match the
 * variable's own template and may not hold `.` or `..` as a segment, which
 * clients and proxies remove.
 */
export function pathWriter({ template, variables }: RestBinding): PathWriter {
  const parts = partsOf(template, variables);
  const verb = template.verb === undefined ? "" : `:${encodeSegment(template.verb)}`;
  return (json) => {
    const segments: string[] = [];
    for (const part of parts) {
      if (typeof part === "string") {
        segments.push(part);
        continue;
      }
      const text = textAt(json, part.variable.fields);
      if (text === undefined) return `${part.variable.fieldPath} is not set`;
      const encoded = encode(text, part);
      if (encoded === undefined) return `${part.variable.fieldPath} "${text.slice(0, 64)}" does not fit ${template.text}`;
      segments.push(...encoded);
    }
    return { path: `/${segments.join("/")}${verb}` };
  };
}

interface VariablePart {
  readonly variable: RestVariable;
  readonly segments: readonly TemplateSegment[];
}

/** Encoded literals, and variables with their segments. */
function partsOf(template: Template, variables: readonly RestVariable[]): readonly (string | VariablePart)[] {
  const parts: (string | VariablePart)[] = [];
  for (let at = 0; at < template.segments.length; ) {
    const variable = variables.find(({ start }) => start === at);
    const segment = template.segments[at];
    if (variable !== undefined) {
      parts.push({ variable, segments: template.segments.slice(variable.start, variable.end) });
      at = variable.end;
      continue;
    }
    // A wildcard outside of variables means nothing to the method: one that is short, or none.
    if (segment?.kind === "literal") parts.push(encodeSegment(segment.text));
    else if (segment?.kind === "single") parts.push("-");
    at++;
  }
  return parts;
}

/** The encoded segments of a value, or undefined when it does not match. */
function encode(text: string, { variable, segments }: VariablePart): readonly string[] | undefined {
  const texts = variable.multi ? text.split("/") : [text];
  const encoded: string[] = [];
  for (const [at, segment] of segments.entries()) {
    if (segment.kind === "multi") {
      const rest = texts.slice(at);
      // No text at all stands for no segments.
      if (rest.length === 1 && rest[0] === "" && at === 0) return encoded;
      return rest.some(isDots) ? undefined : [...encoded, ...rest.map(encodeSegment)];
    }
    const value = texts[at];
    if (value === undefined || value === "" || isDots(value)) return undefined;
    if (segment.kind === "literal" && segment.text !== value) return undefined;
    encoded.push(encodeSegment(value));
  }
  return texts.length === segments.length ? encoded : undefined;
}

function isDots(segment: string): boolean {
  return segment === "." || segment === "..";
}

/** The text of a field in a message's JSON; its default when it has no presence. Undefined when it is not set. */
function textAt(json: JsonObject, fields: FieldPath): string | undefined {
  let at = json;
  for (const [depth, field] of fields.entries()) {
    const value = at[field.jsonName];
    if (depth < fields.length - 1) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
      at = value;
    } else if (value === undefined) return field.presence === Presence.IMPLICIT ? defaultText(field) : undefined;
    else return typeof value === "object" ? undefined : String(value);
  }
  return undefined;
}

function defaultText(field: DescField): string | undefined {
  if (field.fieldKind === "enum") return field.enum.values[0]?.name;
  if (field.fieldKind !== "scalar") return undefined;
  switch (field.scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return "";
    case ScalarType.BOOL:
      return "false";
    default:
      return "0";
  }
}
