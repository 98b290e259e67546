/** The kind of a value, in words, by its first byte. */
export function kindOf(code: number): string {
  if (code < 0x80 || code >= 0xe0 || (code >= 0xcc && code <= 0xd3)) return "an integer";
  if (code < 0x90 || code >= 0xde) return "a map";
  if (code < 0xa0 || code >= 0xdc) return "an array";
  if (code < 0xc0 || code >= 0xd9) return "a string";
  if (code === 0xc0) return "nil";
  if (code === 0xc1) return "0xc1, which MessagePack does not use";
  if (code <= 0xc3) return "a bool";
  if (code <= 0xc6) return "bytes";
  return code === 0xca || code === 0xcb ? "a float" : "an extension";
}
