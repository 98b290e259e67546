import type { DescMessage } from "@bufbuild/protobuf";
import type { MessageForm } from "./form.ts";
import { durationForm } from "./duration.ts";
import { fieldMaskForm } from "./field-mask.ts";
import { listForm, structForm, valueForm } from "./struct.ts";
import { timestampForm } from "./timestamp.ts";
import { wrapperForm } from "./wrapper.ts";

/** The form of a well-known type that is not the map of its fields. */
export function wellKnownForm(desc: DescMessage): MessageForm | undefined {
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
      return timestampForm;
    case "google.protobuf.Duration":
      return durationForm;
    case "google.protobuf.FieldMask":
      return fieldMaskForm;
    case "google.protobuf.Struct":
      return structForm;
    case "google.protobuf.Value":
      return valueForm;
    case "google.protobuf.ListValue":
      return listForm;
    default:
      return wrapperForm(desc);
  }
}
