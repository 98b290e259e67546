import type { ConnectError } from "@connectrpc/connect";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";

/** Trailer by which a server says when, or whether at all, a call may be repeated (gRFC A6, "Pushback"). */
export const pushbackHeader = "grpc-retry-pushback-ms";

/** What a server says about repeating a call: after how many milliseconds, or never. */
export type Pushback = number | "never";

const mostMs = 2_147_483_647;

/**
 * Reads a {@link pushbackHeader}: a signed 32-bit integer without unnecessary
 * zeros. Whatever is negative, does not parse, or comes more than once means
 * that the server does not want the call again (gRFC A6).
 */
export function parsePushback(value: string): Pushback {
  const ms = /^(?:0|[1-9]\d{0,9})$/.test(value) ? Number(value) : -1;
  return ms >= 0 && ms <= mostMs ? ms : "never";
}

/**
 * What the server of a failed call says about repeating it, if anything: its
 * header, else the `google.rpc.RetryInfo` among the error's details.
 */
export function pushbackOf(error: ConnectError): Pushback | undefined {
  const header = error.metadata.get(pushbackHeader);
  if (header !== null) return parsePushback(header);
  for (const { retryDelay } of error.findDetails(RetryInfoSchema)) {
    if (retryDelay === undefined) continue;
    const ms = Math.ceil(Number(retryDelay.seconds) * 1_000 + retryDelay.nanos / 1e6);
    return ms < 0 ? "never" : Math.min(ms, mostMs);
  }
  return undefined;
}
