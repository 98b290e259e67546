import { getOption, hasOption } from "@bufbuild/protobuf";
import type { DescField } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt";
import { FieldBehavior, field_behavior as fieldBehavior } from "../../gen/google/api/field_behavior_pb.ts";
import type { Rules } from "./rules.ts";

/** What a contract says about the use of a field with `google.api.field_behavior`. */
export interface Behavior {
  readonly readOnly: boolean;
  readonly writeOnly: boolean;
  readonly immutable: boolean;
}

/** How a field may be used. */
export function behavior(field: DescField): Behavior {
  return {
    readOnly: has(field, FieldBehavior.OUTPUT_ONLY),
    writeOnly: has(field, FieldBehavior.INPUT_ONLY),
    immutable: has(field, FieldBehavior.IMMUTABLE),
  };
}

/** Whether a field must be given: by its behavior, its protovalidate rules, or proto2. */
export function isRequired(field: DescField, rules: Rules): boolean {
  return (
    has(field, FieldBehavior.REQUIRED) ||
    field.presence === Presence.LEGACY_REQUIRED ||
    (rules.field(field)?.required ?? false)
  );
}

function has(field: DescField, value: FieldBehavior): boolean {
  return hasOption(field, fieldBehavior) && getOption(field, fieldBehavior).includes(value);
}
