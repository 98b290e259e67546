import { Code, ConnectError } from "@connectrpc/connect";
import type { JsonValue } from "@bufbuild/protobuf";
import { errorText } from "../../error.ts";

// Not lenient: bytes that are not UTF-8 are an error, not question marks.
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The text of bytes. Throws `invalid_argument` when they are not UTF-8. */
export function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new ConnectError("the body is not UTF-8", Code.InvalidArgument, undefined, undefined, error);
  }
}

/** Whether JSON text may hold an integer that JavaScript's numbers cannot. */
export function hasLongNumber(text: string): boolean {
  return /\d{16}/.test(text);
}

/**
 * Parses JSON text. An integer that JavaScript's numbers cannot hold becomes a
 * string of its digits, which ProtoJSON takes for 64 bits as well. Throws
 * `invalid_argument` for anything but one JSON value.
 */
export function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text, hasLongNumber(text) ? exact : undefined) as JsonValue;
  } catch (error) {
    throw new ConnectError(`the body is not JSON: ${errorText(error)}`, Code.InvalidArgument, undefined, undefined, error);
  }
}

function exact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const { source } = context ?? {};
  if (typeof value !== "number" || source === undefined || !/^-?\d+$/.test(source)) return value;
  return Number.isFinite(value) && BigInt(source) === BigInt(value) ? value : source;
}
