import { between, codes, flag, notNegative, or, positive, someCodes, text, whole } from "./kind.ts";
import type { Kind, Kinds } from "./kind.ts";
import type { ConcurrencyPolicy, HedgingPolicy, PolicyLayer, RetryPolicy, ThrottlePolicy } from "./policy.ts";
import { checkOptions, demand, refusal } from "./policy-source.ts";
import type { PolicySource } from "./policy-source.ts";

const retryKinds: Kinds<RetryPolicy> = {
  maxAttempts: whole(2),
  initialBackoffMs: positive,
  maxBackoffMs: positive,
  backoffMultiplier: positive,
  codes: someCodes,
};

/** In code; elsewhere `p95` is what holds without a delay. */
const hedgingKinds: Kinds<HedgingPolicy> = {
  maxAttempts: whole(2),
  delayMs: or(notNegative, "p95", '"p95"'),
  nonFatalCodes: codes,
};

const concurrencyKinds: Kinds<ConcurrencyPolicy> = { maxCalls: whole(1), adaptive: flag, minCalls: whole(1) };

// Only three decimals count, so less than the third would be 0.
const tokenRatio: Kind = { ...between(0.001, Number.MAX_VALUE), must: "0.001 or more" };

/**
 * Checks what can be checked of a policy without knowing the method (gRFC A6,
 * "Validation"). Throws a configuration error that names source and property.
 */
export function checkPolicy(layer: PolicyLayer, source: PolicySource): void {
  const { retry, hedging, concurrency } = layer;
  demand(source, "timeoutMs", layer.timeoutMs, positive);
  demand(source, "waitForReady", layer.waitForReady, flag);
  demand(source, "hashKey", layer.hashKey, text);
  if (retry && hedging) {
    throw refusal(source, "hedging", `beside ${source.spell("retry")}: a call is repeated or hedged; remove one`);
  }
  checkOptions(source, "retry", retry, retryKinds, false);
  const delayMs = source.code === true ? hedgingKinds.delayMs : notNegative;
  checkOptions(source, "hedging", hedging, { ...hedgingKinds, delayMs }, false);
  checkOptions(source, "concurrency", concurrency, concurrencyKinds);
  const { maxCalls = Infinity, minCalls = 1 } = concurrency ?? {};
  if (minCalls > maxCalls) {
    const most = `${source.spell("concurrency.maxCalls")}, which is ${maxCalls}`;
    throw refusal(source, "concurrency.minCalls", `to ${minCalls}: it must be at most ${most}`);
  }
}

/** Checks the throttle of a service (gRFC A6, "Validation of retryThrottling"). Throws likewise. */
export function checkThrottle(throttle: ThrottlePolicy, source: PolicySource): void {
  checkOptions(source, "throttle", throttle, { maxTokens: whole(1, 1_000), tokenRatio });
}
