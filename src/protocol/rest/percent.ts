/**
 * Decodes all percent escapes. Undefined when one is malformed, or when the
 * bytes are not UTF-8. A `+` stays a plus.
 */
export function decodeSegment(raw: string): string | undefined {
  if (!raw.includes("%")) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}

/**
 * Decodes the segments that a variable of several segments captured: all but
 * an encoded slash, which is "left unchanged" (google/api/http.proto).
 * Undefined when an escape is malformed or the bytes are not UTF-8.
 */
export function decodeSegments(raw: string): string | undefined {
  if (!raw.includes("%")) return raw;
  const parts = raw.split(/(%2[Ff])/);
  for (let at = 0; at < parts.length; at += 2) {
    const decoded = decodeSegment(parts[at] ?? "");
    if (decoded === undefined) return undefined;
    parts[at] = decoded;
  }
  return parts.join("");
}

/** Encodes all but `-_.~`, letters and digits. Throws for a lone surrogate. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
