import { Writer } from "./writer.ts";

/** A string in MessagePack, made once for what is written many times. */
export function encodedText(text: string): Uint8Array {
  const writer = new Writer();
  writer.string(text);
  return writer.finish();
}
