import type { ConnectError } from "@connectrpc/connect";
import { configurationError } from "../error.ts";

/** Where a policy was written, for messages about it. */
export interface PolicySource {
  /** What sets the policy, such as `the contract of shop.v1.ShopService.GetPrice`. */
  readonly where: string;
  /** The name that a property of options, such as `retry.maxAttempts`, has there. */
  readonly spell: (property: string) => string;
}

/** Options in code: their properties have their own names. */
export function optionsOf(where: string): PolicySource {
  return { where, spell: String };
}

/** The error for a property that cannot stand, with what is wrong about it. */
export function refusal(source: PolicySource, property: string, complaint: string): ConnectError {
  const field = source.spell(property);
  return configurationError(`${source.where} sets ${field} ${complaint}`, { culprit: source.where, field });
}

/** Throws a {@link refusal} when a property is set and does not hold. */
export function demand<T>(
  source: PolicySource,
  property: string,
  value: T | undefined,
  holds: (value: T) => boolean,
  must: string,
): void {
  if (value === undefined || holds(value)) return;
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw refusal(source, property, `to ${shown}: it must be ${must}`);
}
