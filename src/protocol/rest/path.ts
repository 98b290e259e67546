import type { Message } from "@bufbuild/protobuf";
import { errorText } from "../../error.ts";
import { assignAt, kindOf } from "./fields.ts";
import { decodeSegment, decodeSegments } from "./percent.ts";
import { badRequest } from "./refusal.ts";
import type { RestBinding, RestVariable } from "./rule.ts";

/** Sets the fields of a message that a path, which matches the binding, captures. */
export type PathBinder = (message: Message, path: string) => void;

/**
 * Compiles how the variables of a binding are read from a raw path. Values
 * replace what the message has. The reader throws `invalid_argument` for
 * escapes that are malformed or not UTF-8, and for text that does not suit its
 * field.
 */
export function pathBinder(binding: RestBinding): PathBinder {
  const { variables, template } = binding;
  if (variables.length === 0) return () => {};
  const open = template.segments.at(-1)?.kind === "multi" ? template.segments.length : -1;
  return (message, path) => {
    const end = template.verb === undefined ? path.length : path.lastIndexOf(":");
    const segments = path.slice(1, end).split("/");
    for (const variable of variables) {
      set(message, variable, capture(variable, segments, open));
    }
  };
}

/** @param open the end of a variable that takes all segments that are left */
function capture({ start, end, multi, fieldPath }: RestVariable, segments: readonly string[], open: number): string {
  const text = multi
    ? decodeSegments(segments.slice(start, end === open ? undefined : end).join("/"))
    : decodeSegment(segments[start] ?? "");
  if (text === undefined) throw badRequest(fieldPath, "its percent escapes in the path are malformed or not UTF-8");
  return text;
}

function set(message: Message, { fields, fieldPath }: RestVariable, text: string): void {
  try {
    assignAt(message, fields, text);
  } catch (error) {
    const kind = kindOf(fields.at(-1));
    throw badRequest(fieldPath, `cannot read "${text.slice(0, 64)}" in the path as ${kind}: ${errorText(error)}`);
  }
}
