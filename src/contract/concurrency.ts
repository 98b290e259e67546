import { checkPolicy } from "./check-policy.ts";
import { defaultConcurrency } from "./merge-policy.ts";
import type { ConcurrencyPolicy, Some } from "./policy.ts";
import { optionsOf } from "./policy-source.ts";

/**
 * The policy that options describe; undefined without them. Throws a
 * configuration error when they make no sense.
 *
 * @param whose such as `the mesh`, for messages
 */
export function concurrencyOf(
  options: Some<ConcurrencyPolicy> | undefined,
  whose: string,
): ConcurrencyPolicy | undefined {
  if (options === undefined) return undefined;
  checkPolicy({ concurrency: options }, optionsOf(whose));
  const maxCalls = options.maxCalls ?? defaultConcurrency.maxCalls;
  return {
    maxCalls,
    adaptive: options.adaptive ?? defaultConcurrency.adaptive,
    minCalls: Math.min(options.minCalls ?? defaultConcurrency.minCalls, maxCalls),
  };
}
