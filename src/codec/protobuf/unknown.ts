import type { UnknownField } from "@bufbuild/protobuf";
import type { Properties } from "./form.ts";

/** Keeps a field that a message does not know, to be written again. */
export function keepUnknown(message: Properties, field: UnknownField): void {
  const known = message["$unknown"] as UnknownField[] | undefined;
  if (known === undefined) message["$unknown"] = [field];
  else known.push(field);
}
