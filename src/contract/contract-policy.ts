import { getOption, hasOption } from "@bufbuild/protobuf";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import type { Code } from "@connectrpc/connect";
import type { HedgingOptions, MethodOptions, RetryOptions, ServiceOptions } from "../../gen/mesh/v1/options_pb.ts";
import { method as methodOption, service as serviceOption } from "../../gen/mesh/v1/options_pb.ts";
import { balancerName, isBalancerName, knownBalancers } from "./balancer-name.ts";
import { checkForMethod, checkHashKey } from "./check-method.ts";
import { checkPolicy, checkThrottle } from "./check-policy.ts";
import { hasOneRequest } from "./hash-key.ts";
import type { Kind } from "./kind.ts";
import type { HedgingPolicy, PolicyLayer, RetryPolicy, Some, ThrottlePolicy } from "./policy.ts";
import { demand, refusal } from "./policy-source.ts";
import type { PolicySource } from "./policy-source.ts";

/** The name of a balancer that there is, in any spelling. */
const balancerKind: Kind = {
  must: knownBalancers,
  holds: (name) => typeof name === "string" && (name === "" || isBalancerName(balancerName(name))),
};

/** What a contract says about a method. */
export interface ContractPolicy {
  /** Component that hosts the service, when the contract names one. */
  readonly component: string | undefined;
  /** Deadline of a call, in milliseconds, when the contract sets one. */
  readonly timeoutMs: number | undefined;
  /** When calls of the service are not repeated, if the contract says so. */
  readonly throttle: ThrottlePolicy | undefined;
  /** The options of the service. */
  readonly ofService: PolicyLayer;
  /** The options of the method itself, which win. */
  readonly ofMethod: PolicyLayer;
}

/**
 * Reads the `mesh.v1` options of a method. Throws a configuration error that
 * names the method or service and the field when an option makes no sense.
 */
export function contractPolicy(method: DescMethod): ContractPolicy {
  const { parent } = method;
  const options = hasOption(parent, serviceOption) ? getOption(parent, serviceOption) : undefined;
  const ofService = serviceLayer(options, method);
  const ofMethod = methodLayer(method);
  return {
    component: options?.component === "" ? undefined : options?.component,
    timeoutMs: ofMethod.timeoutMs ?? ofService.timeoutMs,
    throttle: throttleOf(options, parent),
    ofService,
    ofMethod,
  };
}

function serviceLayer(options: ServiceOptions | undefined, method: DescMethod): PolicyLayer {
  if (options === undefined) return {};
  const source = contractOf(method.parent.typeName);
  const layer = read(options, source);
  // Methods without one request cannot have the key: they go anywhere.
  if (hasOneRequest(method)) checkHashKey(layer, method, source);
  return layer;
}

function methodLayer(method: DescMethod): PolicyLayer {
  if (!hasOption(method, methodOption)) return {};
  const source = contractOf(`${method.parent.typeName}.${method.name}`);
  const layer = read(getOption(method, methodOption), source);
  checkForMethod(layer, method, source);
  return layer;
}

function contractOf(name: string): PolicySource {
  return { where: `the contract of ${name}`, spell: protoName };
}

/** `retry.initialBackoffMs` → `retry.initial_backoff`: durations carry their unit. */
function protoName(property: string): string {
  return property.replace(/Ms$/, "").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function read(options: ServiceOptions | MethodOptions, source: PolicySource): PolicyLayer {
  const { timeout, waitForReady, retry, hedging, hashKey, balancer, concurrency } = options;
  const timeoutMs = milliseconds(timeout);
  demand(source, "balancer", balancer, balancerKind);
  const layer: PolicyLayer = {
    timeoutMs: timeoutMs === undefined ? undefined : Math.ceil(timeoutMs),
    waitForReady,
    retry: readRetry(retry, source),
    hedging: readHedging(hedging, source),
    hashKey: hashKey === "" ? undefined : hashKey,
    balancer: balancer === "" ? undefined : balancerName(balancer),
    concurrency: concurrency && {
      maxCalls: concurrency.maxCalls,
      adaptive: concurrency.adaptive,
      minCalls: concurrency.minCalls,
    },
  };
  checkPolicy(layer, source);
  return layer;
}

function readRetry(options: RetryOptions | undefined, source: PolicySource): Some<RetryPolicy> | false | undefined {
  if (options === undefined) return undefined;
  const { maxAttempts, initialBackoff, maxBackoff, backoffMultiplier, codes } = options;
  const policy = {
    maxAttempts,
    initialBackoffMs: milliseconds(initialBackoff),
    maxBackoffMs: milliseconds(maxBackoff),
    backoffMultiplier,
    codes: listed(codes),
  };
  return options.off ? off(policy, "retry", source) : policy;
}

function readHedging(options: HedgingOptions | undefined, source: PolicySource): Some<HedgingPolicy> | false | undefined {
  if (options === undefined) return undefined;
  const { maxAttempts, delay, nonFatalCodes } = options;
  const policy = {
    maxAttempts,
    delayMs: milliseconds(delay),
    nonFatalCodes: listed(nonFatalCodes),
  };
  return options.off ? off(policy, "hedging", source) : policy;
}

function off(policy: object, property: string, source: PolicySource): false {
  const [set] = Object.entries(policy).find(([, value]) => value !== undefined) ?? [];
  if (set === undefined) return false;
  throw refusal(source, `${property}.off`, `beside ${source.spell(`${property}.${set}`)}: remove one`);
}

function throttleOf(options: ServiceOptions | undefined, service: DescService): ThrottlePolicy | undefined {
  if (options?.throttle === undefined) return undefined;
  const { maxTokens = 0, tokenRatio = 0 } = options.throttle;
  checkThrottle({ maxTokens, tokenRatio }, contractOf(service.typeName));
  return { maxTokens, tokenRatio };
}

/** Codes have the same numbers everywhere; {@link checkPolicy} finds those that are none. */
function listed(codes: readonly number[]): readonly Code[] | undefined {
  return codes.length > 0 ? codes : undefined;
}

function milliseconds(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.seconds) * 1_000 + duration.nanos / 1e6;
}
