/** A host that a URL can hold. */
const host = /^[\w.-]+(:\d+)?$|^\[[0-9a-fA-F:.]+\](:\d+)?$/;

/**
 * The URL of a request: its scheme is what the connection really is, whatever
 * the caller says, and its host the one that the caller named.
 */
export function requestUrl(encrypted: boolean, named: string | undefined, path: string | undefined): string {
  const authority = named !== undefined && host.test(named) ? named : "localhost";
  return `${encrypted ? "https" : "http"}://${authority}${path ?? "/"}`;
}
