import { balancerName, isBalancerName, knownBalancers } from "../contract/balancer-name.ts";
import type { OutlierOptions, OutlierPolicy } from "./outlier-policy.ts";
import { outlierPolicy } from "./outlier-policy.ts";
import { Fields, wrong } from "./service-config-fields.ts";
import type { Placed } from "./service-config-fields.ts";

/** What a service config says about the choice of instances. */
export interface BalancerConfig {
  /** Name of the balancer, as its factory has it, such as `ringHash`. */
  readonly name: string;
  /** Options of the balancer, as they are written. */
  readonly options: unknown;
  /** Where they are written. */
  readonly path: string;
  /** Outlier ejection around it, where the config has `outlier_detection_experimental`. */
  readonly outlier: OutlierPolicy | undefined;
}

/**
 * Reads `loadBalancingConfig`: the first balancer of the list that there is.
 * Throws when there is none, or when an entry is not an object with one field
 * (gRFC A21, A24).
 */
export function balancerConfig(entries: readonly Placed[], place: Placed): BalancerConfig {
  for (const entry of entries) {
    const fields = new Fields(entry);
    const [written, ...others] = fields.names;
    if (written === undefined || others.length > 0) throw wrong(entry, "an object with the name of one balancer");
    const name = balancerName(written);
    const options = fields.at(written) ?? { value: {}, path: `${entry.path}.${written}` };
    if (name === "outlierDetection") return withOutlier(new Fields(options));
    if (isBalancerName(name)) return { name, options: options.value, path: options.path, outlier: undefined };
  }
  throw wrong(place, `a list with a balancer that this client has: ${knownBalancers}`);
}

/**
 * Reads `loadBalancingPolicy`: a balancer by its name alone, in any case, as the
 * enum that it once was is written (service_config.proto).
 */
export function balancerPolicy(place: Placed): BalancerConfig {
  const written = String(place.value);
  const name = [written, written.toLowerCase()].map(balancerName).find(isBalancerName);
  if (name === undefined) throw wrong(place, knownBalancers);
  return { name, options: {}, path: place.path, outlier: undefined };
}

function withOutlier(fields: Fields): BalancerConfig {
  const child = fields.need("childPolicy", fields.at("childPolicy"));
  const inner = balancerConfig(fields.list("childPolicy") ?? [], child);
  const source = { where: fields.path, spell: jsonName };
  return { ...inner, outlier: outlierPolicy(outlierOptions(fields), source) };
}

/** An algorithm whose section is absent is off (gRFC A50), and so is what gRPC does not know. */
function outlierOptions(fields: Fields): OutlierOptions {
  const rate = fields.object("successRateEjection");
  const failure = fields.object("failurePercentageEjection");
  return {
    intervalMs: fields.milliseconds("interval"),
    baseEjectionMs: fields.milliseconds("baseEjectionTime"),
    maxEjectionMs: fields.milliseconds("maxEjectionTime"),
    maxEjectionPercent: fields.number("maxEjectionPercent"),
    consecutiveFailures: false,
    successRate: rate !== undefined && { stdevFactor: rate.number("stdevFactor"), ...common(rate) },
    failurePercentage: failure !== undefined && { thresholdPercent: failure.number("threshold"), ...common(failure) },
  };
}

function common(section: Fields): Record<"enforcementPercent" | "minimumHosts" | "requestVolume", number | undefined> {
  return {
    enforcementPercent: section.number("enforcementPercentage"),
    minimumHosts: section.number("minimumHosts"),
    requestVolume: section.number("requestVolume"),
  };
}

function jsonName(property: string): string {
  return property
    .replace(/^outlier\./, "")
    .replace(/EjectionMs$/, "EjectionTime")
    .replace(/Ms$/, "")
    .replace(/^(successRate|failurePercentage)\./, "$1Ejection.")
    .replace(/thresholdPercent$/, "threshold")
    .replace(/enforcementPercent$/, "enforcementPercentage");
}
