import type { DescMethod } from "@bufbuild/protobuf";
import { checkForMethod } from "../contract/check-method.ts";
import { checkPolicy, checkThrottle } from "../contract/check-policy.ts";
import type { HedgingPolicy, PolicyLayer, RetryPolicy, Some, ThrottlePolicy } from "../contract/policy.ts";
import type { PolicySource } from "../contract/policy-source.ts";
import { configurationError } from "../error.ts";
import type { BalancerConfig } from "./service-config-balancer.ts";
import { balancerConfig, balancerPolicy } from "./service-config-balancer.ts";
import { Fields } from "./service-config-fields.ts";
import type { ServiceConfigJson } from "./service-config-json.ts";

/** How many names of a methodConfig are in a message. */
const namesShown = 3;

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
 */
export function serviceConfig(json: ServiceConfigJson): ServiceConfig {
  const root = new Fields({ value: json, path: "serviceConfig" });
  const methods = methodConfigs(root);
  const balancer = balancerOf(root);
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
    const names = new Fields(placed).list("name") ?? [];
    // One without names is for no method: it is passed over (service_config.proto).
    if (names.length === 0) continue;
    const paths = names.map((name) => nameOf(new Fields(name)));
    const fields = new Fields({ ...placed, about: aboutOf(paths) });
    const source = { where: fields.where, spell: jsonName };
    const entry = { layer: layerOf(fields, source), source };
    for (const [at, path] of paths.entries()) {
      const field = names[at]?.path ?? fields.path;
      if (found.has(path)) {
        throw configurationError(`${field} (${aboutOf([path])}) is in the service config twice`, { field });
      }
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

/** The methods of some names, for messages: of many the first. */
function aboutOf(paths: readonly string[]): string {
  const names = paths.map((path) => (path === "" ? "all methods" : path.replace(/\/$/, "").replace("/", ".")));
  const more = names.length - namesShown;
  return names.slice(0, namesShown).join(", ") + (more > 0 ? ` and ${more} more` : "");
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

function balancerOf(root: Fields): BalancerConfig | undefined {
  const place = root.at("loadBalancingConfig");
  if (place !== undefined) return balancerConfig(root.list("loadBalancingConfig") ?? [], place);
  const policy = root.at("loadBalancingPolicy");
  return root.text("loadBalancingPolicy") === undefined || policy === undefined ? undefined : balancerPolicy(policy);
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
