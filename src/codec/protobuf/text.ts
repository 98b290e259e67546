import { getTextEncoding } from "@bufbuild/protobuf/wire";
import { shortTexts } from "./short-text.ts";

/** What `Buffer` does for strings, which works on any bytes and is faster than a `TextDecoder`. */
interface Native {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
}

const places: readonly number[][] = Array.from({ length: 25 }, (_, length) =>
  Array.from({ length }, () => 0),
);
const native = Buffer.prototype as unknown as Native;

/**
 * Reads UTF-8. What is not UTF-8 becomes U+FFFD or, when that must not be, an
 * error.
 */
export function readText(bytes: Uint8Array, start: number, end: number, strict: boolean): string {
  const length = end - start;
  if (length < 13) {
    let all = 0;
    for (let at = start; at < end; at++) all |= bytes[at] as number;
    // Letters of ASCII are bytes.
    if (all < 0x80) return shortTexts(bytes, start, length);
  } else if (length <= 24) {
    const letters = places[length] as number[];
    let all = 0;
    for (let index = 0; index < length; index++) {
      const byte = bytes[start + index] as number;
      all |= byte;
      letters[index] = byte;
    }
    // Letters of ASCII are bytes.
    if (all < 0x80) return String.fromCharCode.apply(String, letters);
  }
  const text = native.utf8Slice.call(bytes, start, end);
  if (!text.includes("\uFFFD")) return text;
  return getTextEncoding().decodeUtf8(bytes.subarray(start, end), strict);
}
