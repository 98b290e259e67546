import type { Code } from "@connectrpc/connect";
import type { HashKey } from "./hash-key.ts";

/** How a call is repeated after it failed (gRFC A6, `retryPolicy`). */
export interface RetryPolicy {
  /** Attempts that may be carried out, the first included. Default 3; more than 5 count as 5. */
  readonly maxAttempts: number;
  /** Pause before the second attempt, give or take a fifth, in milliseconds. Default 25. */
  readonly initialBackoffMs: number;
  /** Longest pause, give or take a fifth, in milliseconds. Default 250. */
  readonly maxBackoffMs: number;
  /** Growth of the pause with each attempt. Default 2. */
  readonly backoffMultiplier: number;
  /** Codes that are worth another attempt. Default `unavailable`. */
  readonly codes: readonly Code[];
}

/** When further copies of a call are sent while it is not answered (gRFC A6, `hedgingPolicy`). */
export interface HedgingPolicy {
  /** Copies, the first included. Default 2; more than 5 count as 5. */
  readonly maxAttempts: number;
  /**
   * Pause before each further copy in milliseconds, or `p95`: the time within
   * which 95 % of the calls to the method are answered. Default `p95`.
   */
  readonly delayMs: number | "p95";
  /**
   * Codes with which a copy may fail without ending the call. Default
   * `unavailable`. So may `resource_exhausted` when the server says when to come back.
   */
  readonly nonFatalCodes: readonly Code[];
}

/** How many calls of a method a server runs at the same time. */
export interface ConcurrencyPolicy {
  /** Most calls at the same time. Default 200, the upper bound of an adaptive limit. */
  readonly maxCalls: number;
  /** Whether the limit follows from how long calls take (Gradient2). Default false. */
  readonly adaptive: boolean;
  /** Lower bound of an adaptive limit. Default 20, or `maxCalls` when that is less. */
  readonly minCalls: number;
}

/** When calls of a service are not repeated because too many fail (gRFC A6, `retryThrottling`). */
export interface ThrottlePolicy {
  /** Tokens at the start and at most: 1 to 1000. */
  readonly maxTokens: number;
  /** Tokens that a success gives back; three decimals count. */
  readonly tokenRatio: number;
}

/** Any of the properties; what is left out comes from a weaker layer. */
export type Some<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** What a mesh, a client or a call may say about how calls are made. */
export interface PolicyOptions {
  /** Deadline of a call, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** Whether a call waits, until its deadline, for an instance that can be reached. Default true. */
  readonly waitForReady?: boolean | undefined;
  /**
   * How calls are repeated; false repeats only what was not carried out. Methods
   * without an `idempotency_level` are never repeated after a code that leaves
   * open whether they were carried out.
   */
  readonly retry?: Some<RetryPolicy> | false | undefined;
  /**
   * How calls are hedged. Excludes `retry`, and has no effect on methods that
   * are not unary or have no `idempotency_level`. Default false.
   */
  readonly hedging?: Some<HedgingPolicy> | false | undefined;
  /** Path to the field of the request by which an instance is chosen, such as `customer.id`. Default none. */
  readonly hashKey?: string | undefined;
}

/** What a contract or a service config may say besides. */
export interface PolicyLayer extends PolicyOptions {
  /** Bound of every deadline, in milliseconds. */
  readonly maxTimeoutMs?: number | undefined;
  /** Name of the balancer, as its factory has it, such as `ringHash`. */
  readonly balancer?: string | undefined;
  /** Limit of the server. */
  readonly concurrency?: Some<ConcurrencyPolicy> | undefined;
}

/** All that holds for the calls to one method. */
export interface Policy {
  /** Deadline of a call that sets none, in milliseconds. */
  readonly timeoutMs: number;
  /** Bound of every deadline, in milliseconds, when a service config sets one. */
  readonly maxTimeoutMs: number | undefined;
  readonly waitForReady: boolean;
  /** Whether the contract says that a call may be carried out twice. */
  readonly idempotent: boolean;
  /** At most one of `retry` and `hedging` is not false. */
  readonly retry: RetryPolicy | false;
  readonly hedging: HedgingPolicy | false;
  /** Reads the key of a request by which its instance is chosen. */
  readonly hashKey: HashKey | undefined;
  /** Name of the balancer, when the contract or a service config names one. */
  readonly balancer: string | undefined;
  readonly concurrency: ConcurrencyPolicy | undefined;
}
