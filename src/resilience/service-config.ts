import type { DescMethod } from "@bufbuild/protobuf";
import { checkForMethod } from "../contract/check-method.ts";
import { checkPolicy, checkThrottle } from "../contract/check-policy.ts";
import type { HedgingPolicy, PolicyLayer, RetryPolicy, Some, ThrottlePolicy } from "../contract/policy.ts";
import type { PolicySource } from "../contract/policy-source.ts";
import { configurationError } from "../error.ts";
import type { BalancerConfig } from "./service-config-balancer.ts";
import { balancerConfig } from "./service-config-balancer.ts";
import { Fields } from "./service-config-fields.ts";
import type { ServiceConfigJson } from "./service-config-json.ts";

/** A service config that was found valid. */
export interface ServiceConfig {
  /** How instances are chosen, when the config says so. */
  readonly balancer: BalancerConfig | undefined;
  /** When repetitions stop, when the config says so. */
  readonly throttle: ThrottlePolicy | undefined;
  /** Name of the service whose health clients watch, when the config says so (gRFC A17). */
  readonly healthService: string | undefined;
  /**
   * What the config says about a method. Throws a configuration error when it
   * names the method itself and would carry calls out twice that may not be.
   */
  layerFor(method: DescMethod): PolicyLayer;
}

/** What a methodConfig says, and where. */
interface Entry {
  readonly layer: PolicyLayer;
  readonly source: PolicySource;
}

/**
 * Reads a gRPC service config (grpc.service_config.ServiceConfig as JSON). As
 * gRFC A21 asks, a known field with a wrong value makes the whole config
 * invalid: a configuration error that names the place.
 *
 * @param supports whether the client has a balancer of a name, such as `ringHash`
 */
export function serviceConfig(json: ServiceConfigJson, supports: (name: string) => boolean): ServiceConfig {
  const root = new Fields({ value: json, path: "serviceConfig" });
  const methods = methodConfigs(root);
  const balancer = balancerOf(root, supports);
  return {
    balancer,
    throttle: throttleOf(root),
    healthService: root.object("healthCheckConfig")?.text("serviceName"),
    layerFor(method) {
      const service = method.parent.typeName;
      const own = methods.get(`${service}/${method.name}`);
      if (own !== undefined) checkForMethod(own.layer, method, own.source);
      const { layer } = own ?? methods.get(`${service}/`) ?? methods.get("") ?? { layer: {} };
      return { ...layer, balancer: balancer?.name };
    },
  };
}

/** Every methodConfig by its names: `service/method`, `service/`, or nothing for the default. */
function methodConfigs(root: Fields): ReadonlyMap<string, Entry> {
  const found = new Map<string, Entry>();
  for (const placed of root.list("methodConfig") ?? []) {
    const fields = new Fields(placed);
    const names = fields.list("name") ?? [];
    // One without names is for no method: it is passed over (service_config.proto).
    if (names.length === 0) continue;
    const source = { where: fields.path, spell: jsonName };
    const entry = { layer: layerOf(fields, source), source };
    for (const name of names) {
      const path = nameOf(new Fields(name));
      if (found.has(path)) throw configurationError(`${name.path} is in the service config twice`, { field: name.path });
      found.set(path, entry);
    }
  }
  return found;
}

function nameOf(name: Fields): string {
  const service = name.text("service") ?? "";
  const method = name.text("method") ?? "";
  if (service !== "") return `${service}/${method}`;
  if (method === "") return "";
  throw configurationError(`${name.path} has a method without a service`, { field: name.path });
}

function layerOf(fields: Fields, source: PolicySource): PolicyLayer {
  const timeoutMs = fields.milliseconds("timeout");
  const layer: PolicyLayer = {
    timeoutMs,
    // The deadline is the least of this and what the caller sets (service_config.proto).
    maxTimeoutMs: timeoutMs,
    waitForReady: fields.flag("waitForReady"),
    retry: retryOf(fields.object("retryPolicy")),
    hedging: hedgingOf(fields.object("hedgingPolicy")),
  };
  checkPolicy(layer, source);
  return layer;
}

function retryOf(fields: Fields | undefined): Some<RetryPolicy> | undefined {
  return (
    fields && {
      maxAttempts: fields.need("maxAttempts", fields.number("maxAttempts")),
      initialBackoffMs: fields.need("initialBackoff", fields.milliseconds("initialBackoff")),
      maxBackoffMs: fields.need("maxBackoff", fields.milliseconds("maxBackoff")),
      backoffMultiplier: fields.need("backoffMultiplier", fields.number("backoffMultiplier")),
      codes: fields.need("retryableStatusCodes", fields.codes("retryableStatusCodes")),
    }
  );
}

/** Without a delay all copies are sent at once, and without codes every failure is fatal (gRFC A6). */
function hedgingOf(fields: Fields | undefined): Some<HedgingPolicy> | undefined {
  return (
    fields && {
      maxAttempts: fields.need("maxAttempts", fields.number("maxAttempts")),
      delayMs: fields.milliseconds("hedgingDelay") ?? 0,
      nonFatalCodes: fields.codes("nonFatalStatusCodes") ?? [],
    }
  );
}

function throttleOf(root: Fields): ThrottlePolicy | undefined {
  const fields = root.object("retryThrottling");
  if (fields === undefined) return undefined;
  const throttle = {
    maxTokens: fields.need("maxTokens", fields.number("maxTokens")),
    tokenRatio: fields.need("tokenRatio", fields.number("tokenRatio")),
  };
  checkThrottle(throttle, { where: root.path, spell: jsonName });
  return throttle;
}

function balancerOf(root: Fields, supports: (name: string) => boolean): BalancerConfig | undefined {
  const place = root.at("loadBalancingConfig");
  if (place !== undefined) return balancerConfig(root.list("loadBalancingConfig") ?? [], place, supports);
  const name = root.text("loadBalancingPolicy");
  if (name === undefined) return undefined;
  const { path } = root;
  const named = { value: { [name]: {} }, path: `${path}.loadBalancingPolicy` };
  return balancerConfig([named], { value: name, path: named.path }, supports);
}

function jsonName(property: string): string {
  return property
    .replace(/^retry\b/, "retryPolicy")
    .replace(/^hedging\b/, "hedgingPolicy")
    .replace(/^throttle\b/, "retryThrottling")
    .replace(/\.codes$/, ".retryableStatusCodes")
    .replace(/\.nonFatalCodes$/, ".nonFatalStatusCodes")
    .replace(/\.delayMs$/, ".hedgingDelay")
    .replace(/Ms$/, "");
}
