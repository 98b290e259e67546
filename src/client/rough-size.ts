/** What any value takes besides its contents, in bytes. */
const ofValue = 8;

/**
 * How much memory a message takes, in bytes, roughly: its texts, its bytes and
 * a little for each field. Stops counting where it is more than enough.
 */
export function roughSize(value: unknown, enough: number): number {
  if (typeof value === "string") return ofValue + value.length;
  if (value instanceof Uint8Array) return ofValue + value.byteLength;
  if (typeof value !== "object" || value === null) return ofValue;
  let size = ofValue;
  for (const name in value) {
    if (size > enough) break;
    size += roughSize(value[name as never], enough - size);
  }
  return size;
}
