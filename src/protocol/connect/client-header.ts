import { compressions } from "../compression.ts";
import { headersOf } from "../headers.ts";

/** Accepted compressions, as a header's value. */
const accepted = compressions.map(({ name }) => name).join(",");

/**
 * The headers that every request of the Connect protocol has.
 *
 * @param acceptHeader the header that asks for compressed answers; undefined for not asking
 */
export function requestHeader(
  init: HeadersInit | undefined,
  contentType: string,
  acceptHeader: string | undefined,
  timeoutMs: number | undefined,
): Headers {
  const header = headersOf(init);
  if (timeoutMs !== undefined) header.set("connect-timeout-ms", String(timeoutMs));
  header.set("content-type", contentType);
  header.set("connect-protocol-version", "1");
  if (acceptHeader !== undefined) header.set(acceptHeader, accepted);
  if (!header.has("user-agent")) header.set("user-agent", "connect-mesh");
  return header;
}

/** A deadline for a transport: Connect takes 0 and less as none, and has whole milliseconds. */
export function positive(timeoutMs: number | undefined): number | undefined {
  return timeoutMs === undefined || timeoutMs <= 0 ? undefined : Math.ceil(timeoutMs);
}
