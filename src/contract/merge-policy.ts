import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { checkHashKey, isHedgeable } from "./check-method.ts";
import { checkPolicy } from "./check-policy.ts";
import { hashKey, hasOneRequest } from "./hash-key.ts";
import type { HashKey } from "./hash-key.ts";
import { methodInfo } from "./method.ts";
import type {
  ConcurrencyPolicy,
  HedgingPolicy,
  Policy,
  PolicyLayer,
  PolicyOptions,
  RetryPolicy,
  Some,
} from "./policy.ts";
import { optionsOf } from "./policy-source.ts";

/** Most attempts of a call, whatever its policy says (gRFC A6, "Limits on Retries and Hedges"). */
export const attemptsCap = 5;

/** Three attempts after `unavailable`, with the pauses of gRFC A44. */
export const defaultRetry: RetryPolicy = {
  maxAttempts: 3,
  initialBackoffMs: 25,
  maxBackoffMs: 250,
  backoffMultiplier: 2,
  codes: [Code.Unavailable],
};

/** What hedging is where it is asked for and not further described. */
export const defaultHedging: HedgingPolicy = {
  maxAttempts: 2,
  delayMs: "p95",
  nonFatalCodes: [Code.Unavailable],
};

/** What limits a server where a limit is asked for and not further described. */
export const defaultConcurrency: ConcurrencyPolicy = { maxCalls: 200, adaptive: false, minCalls: 20 };

/** What may say how calls to a method are made, besides its contract. */
export interface PolicyLayers {
  /** Options of the mesh: its defaults, under the contract. */
  readonly mesh?: PolicyOptions | undefined;
  /** The service config's part for the method. */
  readonly config?: PolicyLayer | undefined;
  /** Options of the client. */
  readonly client?: PolicyOptions | undefined;
  /** Options of one call. */
  readonly call?: PolicyOptions | undefined;
}

/**
 * The policy of the calls to a method. Each layer wins over those before it,
 * property by property: defaults, mesh, contract (its service, then the
 * method), service config, client, call. Of `retry` and `hedging` the one that
 * was described last holds. To be worked out once for each method of a client,
 * not for each call. Throws a configuration error when a layer makes no sense.
 *
 * @param attemptsAtMost cap of `maxAttempts`, which gRFC A6 lets clients choose
 */
export function mergePolicy(
  method: DescMethod,
  layers: PolicyLayers = {},
  attemptsAtMost: number = attemptsCap,
): Policy {
  const { idempotent, ofService, ofMethod } = methodInfo(method);
  const { mesh, config, client, call } = layers;
  for (const [name, layer] of Object.entries({ mesh, client, call })) check(layer, method, name);
  const all: readonly (PolicyLayer | undefined)[] = [mesh, ofService, ofMethod, config, client, call];
  const ordered = all.filter((layer) => layer !== undefined);
  const last = <K extends keyof PolicyLayer>(property: K): PolicyLayer[K] =>
    ordered.findLast((layer) => layer[property] !== undefined)?.[property];
  const hedging = isHedgeable(method) && hedges(ordered) && fold(defaultHedging, ordered.map((layer) => layer.hedging));
  const retry = hedging === false && fold(defaultRetry, ordered.map((layer) => layer.retry));
  const maxTimeoutMs = last("maxTimeoutMs");
  return {
    timeoutMs: Math.min(last("timeoutMs") ?? 30_000, maxTimeoutMs ?? Infinity),
    maxTimeoutMs,
    waitForReady: last("waitForReady") ?? true,
    idempotent,
    retry: retry && { ...retry, maxAttempts: Math.min(retry.maxAttempts, attemptsAtMost) },
    hedging: hedging && { ...hedging, maxAttempts: Math.min(hedging.maxAttempts, attemptsAtMost) },
    hashKey: reader(method, last("hashKey")),
    balancer: last("balancer"),
    concurrency: concurrency(ordered.map((layer) => layer.concurrency)),
  };
}

function check(layer: PolicyOptions | undefined, method: DescMethod, name: string): void {
  if (layer === undefined) return;
  const source = optionsOf(`the ${name} for ${method.parent.typeName}.${method.name}`);
  checkPolicy(layer, source);
  if (hasOneRequest(method)) checkHashKey(layer, method, source);
}

/** Whether hedging was described, not turned off since, and no retry described since. */
function hedges(layers: readonly PolicyLayer[]): boolean {
  const hedging = layers.findLastIndex((layer) => layer.hedging !== undefined);
  const retry = layers.findLastIndex((layer) => typeof layer.retry === "object");
  return hedging > retry && layers[hedging]?.hedging !== false;
}

/** The defaults with what the parts set over them, in order; a part that is false starts anew. */
function fold<T extends object>(defaults: T, parts: readonly (Some<T> | false | undefined)[]): T | false {
  if (parts.findLast((part) => part !== undefined) === false) return false;
  const described = parts.slice(parts.lastIndexOf(false) + 1);
  const set = described.flatMap((part) => Object.entries(part ?? {})).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}

function concurrency(parts: readonly (Some<ConcurrencyPolicy> | undefined)[]): ConcurrencyPolicy | undefined {
  if (parts.every((part) => part === undefined)) return undefined;
  const policy = fold(defaultConcurrency, parts);
  return policy === false ? undefined : { ...policy, minCalls: Math.min(policy.minCalls, policy.maxCalls) };
}

function reader(method: DescMethod, path: string | undefined): HashKey | undefined {
  if (path === undefined || !hasOneRequest(method)) return undefined;
  const found = hashKey(method.input, path);
  return typeof found === "string" ? undefined : found;
}
