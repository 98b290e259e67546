import type { ThrottlePolicy } from "../contract/policy.ts";

/**
 * Stops the repetition of a service's calls while too many fail (gRFC A6,
 * "Throttling Retry Attempts and Hedged RPCs"). A failure takes a token, a
 * success gives back a part of one; calls are repeated while more than half
 * of the tokens are there. First attempts are never stopped. Counts in
 * thousandths, so that sums are exact.
 */
export class RetryThrottle {
  readonly #most: number;
  readonly #ratio: number;
  #count: number;

  constructor(policy: ThrottlePolicy) {
    this.#most = Math.round(policy.maxTokens * 1_000);
    // Further decimals do not count; 0.57 * 1000 is a little less than 570.
    this.#ratio = Math.floor(policy.tokenRatio * 1_000 + 1e-6);
    this.#count = this.#most;
  }

  /** Tokens that are there, from 0 to `maxTokens`. */
  get tokens(): number {
    return this.#count / 1_000;
  }

  /** Whether calls may be repeated now. */
  get open(): boolean {
    return this.#count > this.#most / 2;
  }

  /** An attempt was answered. */
  succeeded(): void {
    this.#count = Math.min(this.#most, this.#count + this.#ratio);
  }

  /** An attempt failed in a way that is worth another, or that asks for none. */
  failed(): void {
    this.#count = Math.max(0, this.#count - 1_000);
  }
}
