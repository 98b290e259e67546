/** Shape of an exponential backoff. */
export interface Backoff {
  /** Upper bound of the first delay, in milliseconds. */
  readonly initialMs: number;
  /** Upper bound of every delay, in milliseconds. */
  readonly maxMs: number;
  /** Growth of the bound with each attempt. Default 2. */
  readonly multiplier?: number | undefined;
}

/** The bound of a backoff before attempt `attempt` (0 is the first repetition). */
export function bound(backoff: Backoff, attempt: number): number {
  return Math.min(backoff.maxMs, backoff.initialMs * (backoff.multiplier ?? 2) ** attempt);
}

/**
 * A delay of full jitter: anywhere between 0 and the bound, so that processes
 * that failed together do not come back together.
 */
export function fullJitter(
  backoff: Backoff,
  attempt: number,
  random: () => number = Math.random,
): number {
  return bound(backoff, attempt) * random();
}

/**
 * A delay within 20 % of the bound: the jitter of gRPC's connection backoff
 * (grpc/doc/connection-backoff.md) and of retries (gRFC A6).
 */
export function narrowJitter(
  backoff: Backoff,
  attempt: number,
  random: () => number = Math.random,
): number {
  return bound(backoff, attempt) * (0.8 + 0.4 * random());
}
