import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** A way from a message to one of its leaves; the last field is the leaf. */
export type FieldPath = readonly DescField[];

const textTypes: ReadonlySet<string> = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
]);

/**
 * Whether the values of a message type are one text in JSON, so that they fit
 * in a path or a query parameter: wrappers, Timestamp, Duration, FieldMask.
 */
export function isTextMessage(desc: DescMessage): boolean {
  return textTypes.has(desc.typeName) || isWrapperDesc(desc);
}

/** Whether one text can hold the field's value: a scalar, an enum or a message that is one text. */
export function isTextField(field: DescField): boolean {
  if (field.fieldKind === "message") return isTextMessage(field.message);
  return field.fieldKind === "scalar" || field.fieldKind === "enum";
}

/**
 * Finds the field of a path in proto names, for a variable of a template.
 * Returns a text that says why when there is none that a variable can bind.
 */
export function variableFields(root: DescMessage, path: string): FieldPath | string {
  const names = path.split(".");
  const fields: DescField[] = [];
  let message: DescMessage | undefined = root;
  for (const name of names) {
    if (message === undefined) return `${fields.at(-1)?.name} is not a message that has fields of its own`;
    const field: DescField | undefined = message.fields.find((candidate) => candidate.name === name);
    if (field === undefined) return `${message.typeName} has no field ${name}`;
    if (field.fieldKind === "list") return `${name} is repeated`;
    if (field.fieldKind === "map") return `${name} is a map`;
    fields.push(field);
    message = field.fieldKind === "message" && !isTextMessage(field.message) ? field.message : undefined;
  }
  return message === undefined ? fields : `${names.at(-1)} is a message; name one of its fields`;
}
