import { configurationError } from "../error.ts";

/**
 * Finds out whether something that a component needs works. Returning means
 * `ok`, throwing means `error`; throwing {@link warning} means `warning`. The
 * signal aborts when the check takes too long.
 */
export type Check = (signal: AbortSignal) => void | Promise<void>;

/** Options of {@link check}. */
export interface CheckOptions {
  /** How long a finished result is used again, in milliseconds. Default 1000. */
  readonly cacheMs?: number | undefined;
  /** After this time the check counts as failed, in milliseconds. Default 1000. */
  readonly failIfSlowerThanMs?: number | undefined;
}

/** A named check with its options filled in. Made by {@link check}. */
export interface HealthCheck {
  readonly name: string;
  readonly run: Check;
  readonly cacheMs: number;
  readonly failIfSlowerThanMs: number;
}

/** A named health check of a component. Throws when the name or an option makes no sense. */
export function check(name: string, run: Check, options: CheckOptions = {}): HealthCheck {
  const { cacheMs = 1_000, failIfSlowerThanMs = 1_000 } = options;
  if (name.trim() === "") throw configurationError("a health check needs a name");
  if (!(cacheMs >= 0)) {
    throw configurationError(`health check ${name}: cacheMs must be 0 or more, not ${cacheMs}`);
  }
  if (!(failIfSlowerThanMs > 0)) {
    throw configurationError(
      `health check ${name}: failIfSlowerThanMs must be above 0, not ${failIfSlowerThanMs}`,
    );
  }
  return { name, run, cacheMs, failIfSlowerThanMs };
}

/** Thrown by a check to say that the component works, but not well. */
export class HealthWarning extends Error {
  override readonly name = "HealthWarning";
}

/** Makes the error that a check throws to report `warning` instead of `error`. */
export function warning(message: string): HealthWarning {
  return new HealthWarning(message);
}
