import { checkPolicy } from "../contract/check-policy.ts";
import type { Kind } from "../contract/kind.ts";
import { checkOptions, demand, optionsOf } from "../contract/policy-source.ts";
import type { PolicyOptions } from "../contract/policy.ts";
import { checkRetryBudget } from "../resilience/budget.ts";
import type { RetryBudgetOptions } from "../resilience/budget.ts";
import { outlierPolicy } from "../resilience/outlier-policy.ts";
import type { OutlierOptions, OutlierPolicy } from "../resilience/outlier-policy.ts";
import { serviceConfig } from "../resilience/service-config.ts";
import type { ServiceConfig } from "../resilience/service-config.ts";
import type { ServiceConfigJson } from "../resilience/service-config-json.ts";
import { configuredBalancer } from "./balancer-of.ts";
import { clientKinds, policyOf } from "./options.ts";

/** How calls are made, as a mesh or one of its clients has it. */
export interface CallSettings {
  /** What the options say as policy. */
  readonly policy: PolicyOptions;
  readonly config: ServiceConfig | undefined;
  /** When peers are ejected; false for never. */
  readonly outlier: OutlierPolicy | false;
  readonly retryBudget: RetryBudgetOptions | undefined;
  /** The service whose health instances are asked for; true for the one that is called, false for none. */
  readonly healthCheck: string | boolean;
}

/** Options that say how calls are made; those of a mesh and those of a client have them. */
export interface CallSettingsOptions extends PolicyOptions {
  readonly serviceConfig?: ServiceConfigJson | undefined;
  readonly outlier?: OutlierOptions | false | undefined;
  readonly retryBudget?: RetryBudgetOptions | undefined;
  readonly healthCheck?: string | boolean | undefined;
}

const healthCheckKind: Kind = {
  must: "true, false, or the name of a service",
  holds: (value) => typeof value === "boolean" || typeof value === "string",
};

/**
 * Reads the options. Throws a configuration error when they make no sense.
 *
 * @param mesh what the options of a client do not say
 */
export function callSettings(options: CallSettingsOptions, mesh?: CallSettings): CallSettings {
  const source = optionsOf(`the ${mesh === undefined ? "mesh" : "client"}`);
  // A mesh has more options, and looks at them itself.
  if (mesh !== undefined) checkOptions(source, "", options, clientKinds);
  const policy = policyOf(options);
  checkPolicy(policy, source);
  const { serviceConfig: json, outlier, retryBudget, healthCheck } = options;
  checkRetryBudget(retryBudget, source);
  demand(source, "healthCheck", healthCheck, healthCheckKind);
  const config = json === undefined ? mesh?.config : serviceConfig(json);
  if (config?.balancer !== undefined) configuredBalancer(config.balancer);
  const inherited = outlier === undefined ? (config?.balancer?.outlier ?? mesh?.outlier) : undefined;
  return {
    policy,
    config,
    outlier: inherited ?? (outlier !== false && outlierPolicy(outlier, source)),
    retryBudget: retryBudget ?? mesh?.retryBudget,
    healthCheck: healthCheck ?? config?.healthService ?? mesh?.healthCheck ?? false,
  };
}
