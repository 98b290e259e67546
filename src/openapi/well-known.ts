import type { DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import type { Schema } from "./model.ts";

/**
 * The messages whose JSON is not that of their fields, as
 * protobuf.dev/programming-guides/json has them. Formats are those of the
 * OpenAPI format registry; a duration is not the one of ISO 8601.
 */
const wellKnown: ReadonlyMap<string, Schema> = new Map<string, Schema>([
  ["google.protobuf.Timestamp", { type: "string", format: "date-time" }],
  [
    "google.protobuf.Duration",
    { type: "string", format: "google-duration", pattern: String.raw`^-?\d+(\.\d{1,9})?s$` },
  ],
  ["google.protobuf.FieldMask", { type: "string", format: "google-fieldmask" }],
  ["google.protobuf.Empty", { type: "object" }],
  ["google.protobuf.Struct", { type: "object", additionalProperties: true }],
  ["google.protobuf.ListValue", { type: "array", items: {} }],
  ["google.protobuf.Value", {}],
  [
    "google.protobuf.Any",
    {
      type: "object",
      properties: { "@type": { type: "string", description: "URL of the message's type." } },
      additionalProperties: true,
    },
  ],
]);

/** The schema of a message whose JSON is not that of its fields; wrappers are left to {@link wrapped}. */
export function wellKnownSchema(desc: DescMessage): Schema | undefined {
  return wellKnown.get(desc.typeName);
}

/** The type of scalar that a wrapper such as `google.protobuf.Int64Value` holds. */
export function wrapped(desc: DescMessage): ScalarType | undefined {
  return isWrapperDesc(desc) ? desc.fields[0]?.scalar : undefined;
}
