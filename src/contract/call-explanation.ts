import type { ConnectError } from "@connectrpc/connect";

/** An instance that an attempt could have gone to. */
export interface CallCandidate {
  /** Id of the instance. */
  readonly instance: string;
  /**
   * `in` gets calls, `ejected` none because its calls fail, `probing` the one
   * that decides whether it comes back, `lost` none because it cannot be
   * reached, `unwell` none because it says that it does not serve; `tried` had an attempt of this call before.
   */
  readonly state: "in" | "ejected" | "probing" | "lost" | "unwell" | "tried";
  /** Calls that this client had running there. */
  readonly inFlight: number;
  /** What an answer was expected to take, in milliseconds; 0 while nothing is known. */
  readonly expectedMs: number;
  /** What `peakEwma` compares: the time expected for all that runs there and this call, in milliseconds. */
  readonly cost: number;
  /** Weight that the registry gives it now. */
  readonly weight: number;
}

/** One attempt of a call. */
export interface CallAttempt {
  /** Id of the instance. */
  readonly instance: string;
  readonly channel: string;
  /** Why it was made: as the first, after a failure, as a further copy, or to find out whether an instance is well again. */
  readonly why: "first" | "retry" | "hedge" | "probe";
  /** When it began, in milliseconds since the call did. */
  readonly atMs: number;
  /** How long it took, in milliseconds. */
  readonly tookMs: number;
  /** How it failed; undefined when it was answered, and for a copy that was given up. */
  readonly error: ConnectError | undefined;
  /**
   * What followed: the answer was that of the call, there was another attempt
   * after `afterMs`, it was given up or left to the other copies that ran, or
   * why nothing followed.
   */
  readonly next: string;
  /** Pause before the next attempt, in milliseconds; undefined when none followed. */
  readonly afterMs: number | undefined;
  /** All instances over the channel, in the order of the registry. */
  readonly candidates: readonly CallCandidate[];
}

/** Why a call went where it went. */
export interface CallExplanation {
  readonly service: string;
  readonly method: string;
  /** Deadline of the call, in milliseconds. */
  readonly timeoutMs: number;
  /** How long it took in all, in milliseconds. */
  readonly tookMs: number;
  /** How it failed; undefined when it was answered. */
  readonly error: ConnectError | undefined;
  /** Key by which the instance was chosen. */
  readonly hashKey: string | undefined;
  readonly attempts: readonly CallAttempt[];
  /** Repetitions that the client's budget for the service has left now. */
  readonly budgetLeft: number;
  /** Tokens that the service's throttle has left now, where there is one. */
  readonly throttleTokens: number | undefined;
}
