import { codeBits, Outcomes } from "./outcomes.ts";
import type { Turn } from "./outcomes.ts";
import type { OutlierPolicy } from "./outlier-policy.ts";
import { failurePercentageOutliers, successRateOutliers } from "./outlier-rules.ts";

/** Why a peer was ejected. */
export type EjectionReason = "success rate" | "failure percentage" | "consecutive failures" | "failed probe";

/** What the detector does with a peer. */
export interface Ejectable {
  /** Calls should go elsewhere from now on. Its connection is kept. */
  eject(why: EjectionReason): void;
  /** One call may go here; its end decides. Tell `Outcomes.began` when it begins. */
  probe(): void;
  /** Calls may go here again. */
  uneject(): void;
}

/** What a detector may be given. */
export interface OutlierClock {
  /** A monotonic clock, in milliseconds; {@link OutlierDetector.sweep} is given its time. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * Takes peers out whose calls fail, and lets them back in (gRFC A50), with two
 * additions: failures in a row eject at once, and a peer that comes back gets
 * one call first, which must succeed. A share of the peers always stays in:
 * `maxEjectionPercent` is looked at before each ejection, so one can be ejected
 * of however few.
 *
 * It has no timer: its user calls {@link OutlierDetector.sweep} every
 * `intervalMs`.
 */
export class OutlierDetector {
  readonly policy: OutlierPolicy;
  readonly #peers = new Map<Outcomes, Ejectable>();
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #failing: number;
  #ejected = 0;

  constructor(policy: OutlierPolicy, { now, random }: OutlierClock = {}) {
    this.policy = policy;
    this.#now = now ?? (() => performance.now());
    this.#random = random ?? Math.random;
    this.#failing = codeBits(policy.codes);
  }

  /** How many peers are out or on probation. */
  get ejected(): number {
    return this.#ejected;
  }

  /** Watches a peer. Its client tells the outcomes of each call that ends. */
  add(peer: Ejectable): Outcomes {
    const most = this.policy.consecutiveFailures;
    const outcomes = new Outcomes(this.#failing, most === false ? Infinity : most, this.#turned);
    this.#peers.set(outcomes, peer);
    return outcomes;
  }

  /** Forgets a peer that is no more. */
  remove(outcomes: Outcomes): void {
    if (this.#peers.delete(outcomes) && outcomes.standing !== "in") this.#ejected--;
  }

  /** Ejects outliers and lets back in whose time is over, at a time of the detector's clock. */
  sweep(nowMs: number): void {
    const { successRate, failurePercentage } = this.policy;
    const all = [...this.#peers.keys()];
    if (successRate) {
      const outliers = successRateOutliers(all, successRate);
      this.#ejectAll(outliers, successRate.enforcementPercent, "success rate", nowMs);
    }
    if (failurePercentage) {
      const outliers = failurePercentageOutliers(all, failurePercentage);
      this.#ejectAll(outliers, failurePercentage.enforcementPercent, "failure percentage", nowMs);
    }
    for (const outcomes of all) {
      outcomes.clear();
      if (outcomes.standing === "in") outcomes.multiplier = Math.max(0, outcomes.multiplier - 1);
      else if (outcomes.standing === "out" && nowMs > this.#returnMs(outcomes)) this.#letIn(outcomes);
    }
  }

  /** Lets all back in at once and forgets that they were out, as when ejection is turned off. */
  reset(): void {
    for (const [outcomes] of this.#peers) {
      outcomes.clear();
      outcomes.multiplier = 0;
      if (outcomes.standing !== "in") this.#uneject(outcomes);
    }
  }

  readonly #turned = (outcomes: Outcomes, turn: Turn): void => {
    if (!this.#peers.has(outcomes)) return;
    if (turn === "failures") {
      if (this.#mayEject()) this.#eject(outcomes, "consecutive failures", this.#now());
    } else if (turn === "probe failed") this.#eject(outcomes, "failed probe", this.#now());
    else if (turn === "probe answered") this.#uneject(outcomes);
    else this.#peers.get(outcomes)?.probe();
  };

  #ejectAll(outliers: readonly Outcomes[], enforcement: number, why: EjectionReason, nowMs: number): void {
    for (const outcomes of outliers) {
      if (outcomes.standing !== "in" || !this.#mayEject()) continue;
      if (Math.floor(this.#random() * 100) < enforcement) this.#eject(outcomes, why, nowMs);
    }
  }

  #mayEject(): boolean {
    return (this.#ejected / this.#peers.size) * 100 < this.policy.maxEjectionPercent;
  }

  #eject(outcomes: Outcomes, why: EjectionReason, nowMs: number): void {
    if (outcomes.standing === "in") this.#ejected++;
    outcomes.stand("out");
    outcomes.ejectedAtMs = nowMs;
    outcomes.multiplier++;
    this.#peers.get(outcomes)?.eject(why);
  }

  #returnMs({ ejectedAtMs, multiplier }: Outcomes): number {
    const { baseEjectionMs, maxEjectionMs } = this.policy;
    return ejectedAtMs + Math.min(baseEjectionMs * multiplier, Math.max(baseEjectionMs, maxEjectionMs));
  }

  #letIn(outcomes: Outcomes): void {
    if (!this.policy.probation) this.#uneject(outcomes);
    else {
      outcomes.stand("probation");
      this.#peers.get(outcomes)?.probe();
    }
  }

  #uneject(outcomes: Outcomes): void {
    this.#ejected--;
    outcomes.stand("in");
    this.#peers.get(outcomes)?.uneject();
  }
}
