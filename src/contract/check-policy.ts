import type { PolicyLayer, ThrottlePolicy } from "./policy.ts";
import { demand, refusal } from "./policy-source.ts";
import type { PolicySource } from "./policy-source.ts";

/**
 * Checks what can be checked of a policy without knowing the method (gRFC A6,
 * "Validation"). Throws a configuration error that names source and property.
 */
export function checkPolicy(layer: PolicyLayer, source: PolicySource): void {
  const { retry, hedging, concurrency } = layer;
  demand(source, "timeoutMs", layer.timeoutMs, isPositive, "above 0");
  if (retry && hedging) {
    throw refusal(source, "hedging", `beside ${source.spell("retry")}: a call is repeated or hedged; remove one`);
  }
  if (retry) {
    demand(source, "retry.maxAttempts", retry.maxAttempts, isIntegerFrom(2), "an integer of 2 or more");
    demand(source, "retry.initialBackoffMs", retry.initialBackoffMs, isPositive, "above 0");
    demand(source, "retry.maxBackoffMs", retry.maxBackoffMs, isPositive, "above 0");
    demand(source, "retry.backoffMultiplier", retry.backoffMultiplier, isPositive, "above 0");
    demand(source, "retry.codes", retry.codes, (codes) => codes.length > 0 && codes.every(isCode), "codes of failures");
  }
  if (hedging) {
    const { maxAttempts, delayMs, nonFatalCodes } = hedging;
    demand(source, "hedging.maxAttempts", maxAttempts, isIntegerFrom(2), "an integer of 2 or more");
    demand(source, "hedging.delayMs", delayMs, isDelay, "0 or more");
    demand(source, "hedging.nonFatalCodes", nonFatalCodes, (codes) => codes.every(isCode), "codes of failures");
  }
  if (concurrency) {
    const { maxCalls, minCalls } = concurrency;
    demand(source, "concurrency.maxCalls", maxCalls, isIntegerFrom(1), "an integer of 1 or more");
    const fits = (min: number): boolean => isIntegerFrom(1)(min) && min <= (maxCalls ?? min);
    demand(source, "concurrency.minCalls", minCalls, fits, "an integer of 1 or more, and at most the upper bound");
  }
}

/** Checks the throttle of a service (gRFC A6, "Validation of retryThrottling"). Throws likewise. */
export function checkThrottle(throttle: ThrottlePolicy, source: PolicySource): void {
  const { maxTokens, tokenRatio } = throttle;
  const fits = (tokens: number): boolean => isIntegerFrom(1)(tokens) && tokens <= 1_000;
  demand(source, "throttle.maxTokens", maxTokens, fits, "an integer from 1 to 1000");
  // Only three decimals count, so less than the third would be 0.
  demand(source, "throttle.tokenRatio", tokenRatio, (ratio) => ratio >= 0.001 && ratio < Infinity, "0.001 or more");
}

function isPositive(value: number): boolean {
  return value > 0 && value < Infinity;
}

function isIntegerFrom(least: number): (value: number) => boolean {
  return (value) => Number.isInteger(value) && value >= least;
}

function isDelay(value: number | "p95"): boolean {
  return value === "p95" || (value >= 0 && value < Infinity);
}

/** Whether a number is a code of google.rpc.Code other than OK. */
function isCode(code: number): boolean {
  return Number.isInteger(code) && code >= 1 && code <= 16;
}
