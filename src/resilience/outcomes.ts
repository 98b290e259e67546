import { Code } from "@connectrpc/connect";

/**
 * What a peer may get: `in` all calls, `out` none, `probation` one that
 * decides. Peers start `in`.
 */
export type Standing = "in" | "out" | "probation";

/** What a finished call of a peer asks of the detector. */
export type Turn = "failures" | "probe answered" | "probe failed" | "probe lost";

/**
 * How the calls of one peer end, counted since the last sweep (gRFC A50, "Call
 * Counter"). Counting allocates nothing.
 */
export class Outcomes {
  successes = 0;
  failures = 0;
  standing: Standing = "in";
  /** Ejections in a row; falls by one with each sweep that finds the peer in. */
  multiplier = 0;
  /** When the peer was last ejected, in milliseconds of the detector's clock. */
  ejectedAtMs = 0;
  #consecutive = 0;
  #probing = false;
  readonly #failing: number;
  readonly #most: number;
  readonly #turn: (outcomes: Outcomes, turn: Turn) => void;

  /**
   * @param failing a bit for each code that counts as a failure
   * @param most failures in a row that are a turn
   * @param turn told of calls that may change the standing
   */
  constructor(failing: number, most: number, turn: (outcomes: Outcomes, turn: Turn) => void) {
    this.#failing = failing;
    this.#most = most;
    this.#turn = turn;
  }

  /** A call to a peer on probation began: it is the one that decides. Others need not tell. */
  began(): void {
    if (this.standing === "probation") this.#probing = true;
  }

  /**
   * A call ended: with a code, or undefined when it succeeded. A call that was
   * cancelled tells nothing of the peer and is not counted, unless `canceled`
   * is among the failing codes. Codes that do not count as failures are
   * answers, and so successes.
   */
  ended(code: Code | undefined): void {
    if (code !== undefined && (this.#failing & (1 << code)) !== 0) {
      this.failures++;
      this.#consecutive++;
      if (this.#probing) this.#probed("probe failed");
      else if (this.#consecutive >= this.#most && this.standing === "in") this.#turn(this, "failures");
    } else if (code === Code.Canceled) {
      this.toldNothing();
    } else {
      this.successes++;
      this.#consecutive = 0;
      if (this.#probing) this.#probed("probe answered");
    }
  }

  /** A call ended in a way that tells nothing of the peer: it is not counted, and if it should have decided, another will. */
  toldNothing(): void {
    if (this.#probing) this.#probed("probe lost");
  }

  /** Begins to count anew, after a sweep. */
  clear(): void {
    this.successes = 0;
    this.failures = 0;
  }

  /** Changes the standing; failures in a row count from here. */
  stand(standing: Standing): void {
    this.standing = standing;
    this.#consecutive = 0;
    this.#probing = false;
  }

  #probed(turn: Turn): void {
    this.#probing = false;
    this.#turn(this, turn);
  }
}

/** A bit for each code. */
export function codeBits(codes: readonly Code[]): number {
  return codes.reduce((bits, code) => bits | (1 << code), 0);
}
