import { Code } from "@connectrpc/connect";
import { demand, optionsOf } from "../contract/policy-source.ts";
import type { PolicySource } from "../contract/policy-source.ts";

/** Codes that speak against a peer; all others are answers like any other. */
export const failureCodes: readonly Code[] = [
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Internal,
  Code.Unknown,
  Code.ResourceExhausted,
  Code.DataLoss,
];

/** Ejects peers whose success rate is far below that of the others (gRFC A50, "Success Rate Algorithm"). */
export interface SuccessRatePolicy {
  /** How many thousandths of a standard deviation below the mean are too far. Default 1900. */
  readonly stdevFactor: number;
  /** Chance that an outlier is ejected, in percent. Default 100. */
  readonly enforcementPercent: number;
  /** Peers with enough calls that it takes to compare them. Default 5. */
  readonly minimumHosts: number;
  /** Calls in an interval that are enough. Default 100. */
  readonly requestVolume: number;
}

/** Ejects peers that fail too often, whatever the others do (gRFC A50, "Failure Percentage Algorithm"). */
export interface FailurePercentagePolicy {
  /** More failures than this are too many, in percent. Default 85. */
  readonly thresholdPercent: number;
  /** Chance that an outlier is ejected, in percent. Default 100. */
  readonly enforcementPercent: number;
  /** Peers with enough calls that it takes to eject one. Default 5. */
  readonly minimumHosts: number;
  /** Calls in an interval that are enough. Default 50. */
  readonly requestVolume: number;
}

/** When peers are taken out because their calls fail (gRFC A50), and when they come back. */
export interface OutlierPolicy {
  /** Time between two sweeps, in milliseconds. Default 10000. */
  readonly intervalMs: number;
  /** Time that a peer is out, times the ejections in a row, in milliseconds. Default 30000. */
  readonly baseEjectionMs: number;
  /** Longest time out, in milliseconds; at least `baseEjectionMs`. Default 300000. */
  readonly maxEjectionMs: number;
  /** Percent of the peers from which on no more are ejected. Default 10: one, where there are ten or fewer. */
  readonly maxEjectionPercent: number;
  readonly successRate: SuccessRatePolicy | false;
  readonly failurePercentage: FailurePercentagePolicy | false;
  /** Failures in a row that eject a peer at once. Default 5. gRPC has no such rule, Envoy and Finagle do. */
  readonly consecutiveFailures: number | false;
  /** Whether a peer must answer a single call before it comes back. Default true. gRPC has no such rule, Finagle does. */
  readonly probation: boolean;
  /**
   * Codes that count as failures. Default: those that tell of a server in
   * trouble: `unavailable`, `deadline_exceeded`, `internal`, `unknown`,
   * `resource_exhausted` and `data_loss`. To gRPC all codes do, so that an
   * instance that is asked for what does not exist is ejected.
   */
  readonly codes: readonly Code[];
}

/** Options of outlier ejection; all have a default. */
export type OutlierOptions = {
  readonly [K in Exclude<keyof OutlierPolicy, "successRate" | "failurePercentage">]?: OutlierPolicy[K] | undefined;
} & {
  /** Default: on, with its defaults. */
  readonly successRate?: { readonly [K in keyof SuccessRatePolicy]?: number | undefined } | false | undefined;
  /** Default: on, with its defaults. */
  readonly failurePercentage?: { readonly [K in keyof FailurePercentagePolicy]?: number | undefined } | false | undefined;
};

/** Fills in the defaults. Throws a configuration error when an option makes no sense (gRFC A50, "Validation"). */
export function outlierPolicy(
  options: OutlierOptions = {},
  source: PolicySource = optionsOf("the outlier policy"),
): OutlierPolicy {
  const { successRate, failurePercentage } = options;
  const policy: OutlierPolicy = {
    intervalMs: options.intervalMs ?? 10_000,
    baseEjectionMs: options.baseEjectionMs ?? 30_000,
    maxEjectionMs: options.maxEjectionMs ?? 300_000,
    maxEjectionPercent: options.maxEjectionPercent ?? 10,
    successRate: successRate !== false && {
      stdevFactor: successRate?.stdevFactor ?? 1_900,
      enforcementPercent: successRate?.enforcementPercent ?? 100,
      minimumHosts: successRate?.minimumHosts ?? 5,
      requestVolume: successRate?.requestVolume ?? 100,
    },
    failurePercentage: failurePercentage !== false && {
      thresholdPercent: failurePercentage?.thresholdPercent ?? 85,
      enforcementPercent: failurePercentage?.enforcementPercent ?? 100,
      minimumHosts: failurePercentage?.minimumHosts ?? 5,
      requestVolume: failurePercentage?.requestVolume ?? 50,
    },
    consecutiveFailures: options.consecutiveFailures ?? 5,
    probation: options.probation ?? true,
    codes: options.codes ?? failureCodes,
  };
  check(policy, source);
  return policy;
}

function check(policy: OutlierPolicy, source: PolicySource): void {
  const { successRate, failurePercentage, consecutiveFailures } = policy;
  demand(source, "intervalMs", policy.intervalMs, (ms) => ms > 0 && ms < Infinity, "above 0");
  demand(source, "baseEjectionMs", policy.baseEjectionMs, isNatural, "0 or more");
  demand(source, "maxEjectionMs", policy.maxEjectionMs, isNatural, "0 or more");
  demand(source, "maxEjectionPercent", policy.maxEjectionPercent, isPercent, "from 0 to 100");
  demand(source, "consecutiveFailures", consecutiveFailures, (n) => n === false || n >= 1, "1 or more, or false");
  if (successRate) checkSection("successRate", { ...successRate }, source);
  if (failurePercentage) checkSection("failurePercentage", { ...failurePercentage }, source);
}

function checkSection(section: string, values: Readonly<Record<string, number>>, source: PolicySource): void {
  for (const [name, value] of Object.entries(values)) {
    const percent = name.endsWith("Percent");
    demand(source, `${section}.${name}`, value, percent ? isPercent : isNatural, percent ? "from 0 to 100" : "0 or more");
  }
}

function isNatural(value: number): boolean {
  return value >= 0 && value < Infinity;
}

function isPercent(value: number): boolean {
  return value >= 0 && value <= 100;
}
