import { UsageError } from "./usage-error.ts";

/** The headers of all `--header KEY:VALUE`. Throws a {@link UsageError} for what is none. */
export function parseHeaders(given: readonly string[] = []): Headers {
  const headers = new Headers();
  for (const text of given) {
    const colon = text.indexOf(":");
    if (colon < 1) throw new UsageError(`--header ${text}: must be KEY:VALUE`);
    try {
      headers.append(text.slice(0, colon).trim(), text.slice(colon + 1).trim());
    } catch {
      throw new UsageError(
        `--header ${text}: is not a header that HTTP can carry`,
        "binary values go into a key that ends in -bin, in base64",
      );
    }
  }
  return headers;
}

/** Headers as lines, one for each. */
export function headerLines(what: string, headers: Headers): string {
  return [...headers].map(([key, value]) => `${what} ${key}: ${value}\n`).join("");
}
