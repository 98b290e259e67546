import { Code } from "@connectrpc/connect";
import { maxTimerMs } from "../async/sleep.ts";
import { codes, elsewhere, flag, notNegative, or, percent, positive, whole } from "../contract/kind.ts";
import type { Kinds } from "../contract/kind.ts";
import { checkOptions, optionsOf } from "../contract/policy-source.ts";
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

const kinds: Kinds<OutlierPolicy> = {
  intervalMs: positive,
  baseEjectionMs: notNegative,
  maxEjectionMs: notNegative,
  maxEjectionPercent: percent,
  successRate: elsewhere,
  failurePercentage: elsewhere,
  consecutiveFailures: or(whole(1), false),
  probation: flag,
  codes,
};

const common = { enforcementPercent: percent, minimumHosts: whole(0), requestVolume: whole(0) };
const successRateKinds: Kinds<SuccessRatePolicy> = { ...common, stdevFactor: notNegative };
const failurePercentageKinds: Kinds<FailurePercentagePolicy> = { ...common, thresholdPercent: percent };

/**
 * Fills in the defaults. Throws a configuration error when an option makes no
 * sense (gRFC A50, "Validation"), and for one that there is not. Properties are
 * told to the source as `outlier.intervalMs`.
 */
export function outlierPolicy(options: OutlierOptions = {}, source: PolicySource = optionsOf("the mesh")): OutlierPolicy {
  checkOptions(source, "outlier", options, kinds, false);
  const { successRate, failurePercentage } = options;
  checkOptions(source, "outlier.successRate", successRate, successRateKinds, false);
  checkOptions(source, "outlier.failurePercentage", failurePercentage, failurePercentageKinds, false);
  return {
    // One that no timer can hold is one that does not end either.
    intervalMs: Math.min(options.intervalMs ?? 10_000, maxTimerMs),
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
}
