import { createContextKey } from "@connectrpc/connect";
import type { ContextKey } from "@connectrpc/connect";

/** Where a session or socket keeps its counts. */
const inboundOfCarrier: unique symbol = Symbol("inbound");

/** A connection that knows its counts. */
interface Carrier {
  [inboundOfCarrier]?: Inbound;
}

/** How many requests may be reset in a hurry, and what happens beyond. */
export interface ResetBudget {
  /** Requests that are looked at; half of them may be reset. */
  readonly requests: number;
  /** Called when more are. */
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
  /** Requests that are open. */
  open = 0;
  /** PINGs and settings that came since something was answered. */
  chatter = 0;
  /** How long an answer that is overdue may go without anybody reading on, in milliseconds. */
  slowAnswerMs = 60_000;
  /** Called whenever the last open request has ended. */
  rested: (() => void) | undefined;
  readonly #budget: ResetBudget | undefined;
  #ended = 0;
  #hasty = 0;

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
    this.#ended++;
    if (hasty) this.#hasty++;
    const budget = this.#budget;
    if (budget === undefined) return;
    const { requests } = budget;
    // As Envoy counts: half of them, before all of them have come and after.
    if (hasty && this.#hasty * 2 >= Math.max(requests, this.#ended)) budget.exceeded();
    if (this.#ended < 2 * requests) return;
    this.#ended /= 2;
    this.#hasty /= 2;
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
