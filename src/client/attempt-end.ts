import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import { failureCodes } from "../resilience/outlier-policy.ts";
import type { AttemptEnd } from "./peer.ts";

const against: ReadonlySet<Code> = new Set(failureCodes);

/** What the error of an attempt says about its peer. */
export function endOf({ code }: ConnectError): AttemptEnd {
  if (code === Code.Canceled) return "abandoned";
  return against.has(code) ? "failed" : "answered";
}
