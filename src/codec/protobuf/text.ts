import { getTextEncoding } from "@bufbuild/protobuf/wire";
import { asciiText } from "./short-text.ts";

/** What `Buffer` does for strings, which works on any bytes and is faster than a `TextDecoder`. */
interface Native {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
}

const native = Buffer.prototype as unknown as Native;

/** Reads UTF-8. What is not UTF-8 becomes U+FFFD or, when it must not be strict, an error. */
export function readText(bytes: Uint8Array, start: number, length: number, strict: boolean): string {
  const short = asciiText(bytes, start, length);
  if (short !== undefined) return short;
  const end = start + length;
  const text = native.utf8Slice.call(bytes, start, end);
  if (!text.includes("\uFFFD")) return text;
  return getTextEncoding().decodeUtf8(bytes.subarray(start, end), strict);
}
