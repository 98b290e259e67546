import type { Backoff } from "../../async/backoff.ts";

/** Times and chance that are fixed for users; tests shorten and seed them. */
export interface Tuning {
  /** Number from 0 to 1, for jitter. */
  readonly random: () => number;
  /** Timeout of a request that does not block, in milliseconds. */
  readonly requestMs: number;
  /** Pause after a failed look-up. */
  readonly queryBackoff: Backoff;
  /** Pause after a look-up that was denied: long, but a fixed token must heal soon. */
  readonly deniedBackoff: Backoff;
  /** Wait of the first blocking query after a failure, in milliseconds. */
  readonly probeWaitMs: number;
  /** Pause after a failed heartbeat or registration. */
  readonly leaseBackoff: Backoff;
  /** How long the first registration is tried, in milliseconds. */
  readonly registerMs: number;
  /** Most that a lost instance waits before it registers again, in milliseconds. */
  readonly rejoinMs: number;
  /** How long deregistering may take, in milliseconds. */
  readonly releaseMs: number;
}

/** What runs in production. */
export const tuning: Tuning = {
  random: Math.random,
  requestMs: 5_000,
  queryBackoff: { initialMs: 500, maxMs: 30_000 },
  deniedBackoff: { initialMs: 1_000, maxMs: 8_000 },
  probeWaitMs: 500,
  // With rejoinMs, an agent that comes back empty is full again within 10 s.
  leaseBackoff: { initialMs: 500, maxMs: 9_000 },
  registerMs: 30_000,
  rejoinMs: 1_000,
  releaseMs: 3_000,
};
