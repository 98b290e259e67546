import { createContextKey } from "@connectrpc/connect";
import type { ContextKey } from "@connectrpc/connect";

/** Where a session or socket keeps its counts. */
const inboundOfCarrier: unique symbol = Symbol("inbound");

/** A connection that knows its counts. */
interface Carrier {
  [inboundOfCarrier]?: Inbound;
}

/**
 * How many requests may be reset in a hurry, and what happens beyond: so many
 * at once, as many a second, and one more for each that was answered.
 */
export interface ResetBudget {
  readonly resets: number;
  /** Called with each reset that is one too many. */
  readonly exceeded: () => void;
}

/** A request that is reset so soon after it began counts against the budget, in milliseconds. */
export const hastyMs = 1_000;

/**
 * What a server counts of one connection from a caller. Calls touch it on their
 * way, so it is made of plain numbers.
 */
export class Inbound {
  /** Handlers that run: also those whose request was reset or answered at its deadline. */
  running = 0;
  /** Those of them whose request was reset. */
  left = 0;
  /** Requests that are open. */
  open = 0;
  /** PINGs and settings that came since something was answered. */
  chatter = 0;
  /** How long an answer that is overdue may go without anybody reading on, in milliseconds. */
  slowAnswerMs = 60_000;
  /** Called whenever the last open request has ended. */
  rested: (() => void) | undefined;
  readonly #budget: ResetBudget | undefined;
  /** What is spent of the budget, at the time of the last hasty reset. */
  #spent = 0;
  #spentMs = 0;

  constructor(budget?: ResetBudget) {
    this.#budget = budget;
  }

  /**
   * A request ended.
   *
   * @param hasty whether it was reset, by either side, soon after it began and
   * before it was answered (CVE-2023-44487, CVE-2025-8671)
   */
  end(hasty: boolean): void {
    if (--this.open === 0 && this.rested !== undefined) this.rested();
    if (hasty) this.#spend(1);
    else if (this.#spent > 0) this.#spent--;
  }

  /**
   * A request is refused since too many handlers of the connection run. When
   * resets left some of them behind, a flood may go on that is answered, by
   * refusals, before it is reset. Each costs as much as a reset, and what its
   * answer gives back.
   */
  refused(): void {
    if (this.left > 0) this.#spend(2);
  }

  /**
   * A share of all requests, as Envoy has it, would not do: an instance that is
   * slower than others wins no race of hedged calls, and all that come to it are
   * reset. What a flood has and a busy caller has not is the rate.
   */
  #spend(count: number): void {
    const budget = this.#budget;
    if (budget === undefined) return;
    const { resets, exceeded } = budget;
    const nowMs = performance.now();
    const regained = ((nowMs - this.#spentMs) / 1_000) * resets;
    this.#spent = Math.max(0, this.#spent - regained) + count;
    this.#spentMs = nowMs;
    if (this.#spent > resets) exceeded();
  }
}

/** The counts of a session or socket. */
export function inboundOf(carrier: object): Inbound {
  return ((carrier as Carrier)[inboundOfCarrier] ??= new Inbound());
}

/** Gives a session counts with a budget for resets. */
export function countInbound(carrier: object, budget: ResetBudget): Inbound {
  return ((carrier as Carrier)[inboundOfCarrier] = new Inbound(budget));
}

/** The counts of the connection that a call came by, for what goes around calls; undefined within the process. */
export const inboundKey: ContextKey<Inbound | undefined> = createContextKey<Inbound | undefined>(undefined, {
  description: "connect-mesh connection",
});
