import type { FailurePercentagePolicy, SuccessRatePolicy } from "./outlier-policy.ts";

/** How the calls of a peer ended within an interval. */
export interface Volume {
  readonly successes: number;
  readonly failures: number;
}

/**
 * The peers whose share of successes lies further below the mean than
 * `stdevFactor` thousandths of the standard deviation, of those with enough
 * calls; none when there are too few of those (gRFC A50, "Success Rate
 * Algorithm").
 */
export function successRateOutliers<V extends Volume>(peers: readonly V[], policy: SuccessRatePolicy): readonly V[] {
  const busy = withVolume(peers, policy.requestVolume);
  if (busy.length === 0 || busy.length < policy.minimumHosts) return [];
  const mean = busy.reduce((sum, peer) => sum + successRate(peer), 0) / busy.length;
  const variance = busy.reduce((sum, peer) => sum + (successRate(peer) - mean) ** 2, 0) / busy.length;
  const required = mean - Math.sqrt(variance) * (policy.stdevFactor / 1_000);
  return busy.filter((peer) => successRate(peer) < required);
}

/**
 * The peers with more than `thresholdPercent` failures, of those with enough
 * calls; none when there are too few of those (gRFC A50, "Failure Percentage
 * Algorithm").
 */
export function failurePercentageOutliers<V extends Volume>(
  peers: readonly V[],
  policy: FailurePercentagePolicy,
): readonly V[] {
  const busy = withVolume(peers, policy.requestVolume);
  if (busy.length < policy.minimumHosts) return [];
  return busy.filter((peer) => (peer.failures / volume(peer)) * 100 > policy.thresholdPercent);
}

/** Peers without any call have no rate: they are left out even where no volume is asked for. */
function withVolume<V extends Volume>(peers: readonly V[], requestVolume: number): readonly V[] {
  return peers.filter((peer) => volume(peer) >= Math.max(1, requestVolume));
}

function volume({ successes, failures }: Volume): number {
  return successes + failures;
}

function successRate(peer: Volume): number {
  return peer.successes / volume(peer);
}
