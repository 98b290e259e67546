import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import type { AttemptEnd } from "./peer.ts";

/** Codes that speak against a peer; all others are answers like any other. */
const against: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Internal,
  Code.Unknown,
  Code.ResourceExhausted,
  Code.DataLoss,
]);

/** What the error of an attempt says about its peer. */
export function endOf({ code }: ConnectError): AttemptEnd {
  if (code === Code.Canceled) return "abandoned";
  return against.has(code) ? "failed" : "answered";
}
