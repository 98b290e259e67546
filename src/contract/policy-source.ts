import type { ConnectError } from "@connectrpc/connect";
import { configurationError } from "../error.ts";
import type { Kind, Kinds } from "./kind.ts";

/** Where a policy or options were written, for messages about them. */
export interface PolicySource {
  /** What sets the policy, such as `the contract of shop.v1.ShopService.GetPrice`. */
  readonly where: string;
  /** The name that a property of options, such as `retry.maxAttempts`, has there. */
  readonly spell: (property: string) => string;
  /** Whether it is the options of something in code, where times are numbers of milliseconds. Default false. */
  readonly code?: boolean | undefined;
}

/**
 * Options in code: their properties have their own names.
 *
 * @param whose such as `the mesh`
 */
export function optionsOf(whose: string): PolicySource {
  return { where: `the options of ${whose}`, spell: String, code: true };
}

/** The error for a property that cannot stand, with what is wrong about it. */
export function refusal(source: PolicySource, property: string, complaint: string): ConnectError {
  const { where, spell, code } = source;
  const field = spell(property);
  return configurationError(`${where} ${code === true ? "set" : "sets"} ${field} ${complaint}`, { culprit: where, field });
}

/** Throws a {@link refusal} when a property is set and is not what it must be. */
export function demand(source: PolicySource, property: string, value: unknown, kind: Kind): void {
  if (value === undefined || kind.holds(value)) return;
  const unit = source.code !== true && property.endsWith("Ms") ? " ms" : "";
  const noun = kind.numeric !== true || typeof value === "number" ? "" : /^\d/.test(kind.must) ? "a number of " : "a number ";
  throw refusal(source, property, `to ${shown(value)}${unit}: it must be ${noun}${kind.must}`);
}

/**
 * Checks a group of options. Throws a {@link refusal} for one that is not what
 * it must be, and for one that there is not.
 *
 * @param group name of the option that holds the group; empty for options that are in none
 * @param besides what the option may be instead. Default nothing
 */
export function checkOptions<T>(
  source: PolicySource,
  group: string,
  options: unknown,
  kinds: Kinds<T>,
  besides?: false,
): void {
  if (options === undefined || options === besides) return;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    const last = besides === undefined ? "" : `, or ${String(besides)}`;
    throw refusal(source, group, `to ${shown(options)}: it must be an object with options${last}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const property = group === "" ? name : `${group}.${name}`;
    if (Object.hasOwn(kinds, name)) demand(source, property, value, kinds[name as keyof T]);
    else throw refusal(source, property, `though there is no such option: there are ${Object.keys(kinds).join(", ")}`);
  }
}

/** A value as somebody might have written it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
