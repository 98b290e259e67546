import { Code, ConnectError } from "@connectrpc/connect";
import type { Inbound } from "../protocol/inbound.ts";
import type { Places } from "../protocol/unary/running-calls.ts";

/**
 * The place of one call that goes the general way: taken when it is made, given
 * back when the call has ended and nothing of its implementation runs.
 */
export class Place {
  readonly #places: Places;
  readonly #from: Inbound | undefined;
  /** Undefined for streams: how long they take says nothing about the server. */
  readonly #begunMs: number | undefined;
  #busy = 0;
  #ended = false;
  #abandoned = false;

  /** Throws `resource_exhausted` when there is no place. */
  constructor(places: Places, from: Inbound | undefined, unary: boolean) {
    places.enter(from);
    this.#places = places;
    this.#from = from;
    this.#begunMs = unary && places.timed ? performance.now() : undefined;
  }

  /** The implementation runs until the promise settles. */
  hold(running: Promise<unknown>): void {
    this.#busy++;
    void this.#settled(running);
  }

  async #settled(running: Promise<unknown>): Promise<void> {
    await running.catch(() => {
      // Whoever asked for it is told.
    });
    this.#busy--;
    this.#leave();
  }

  /** The call is over: nothing more will be asked of the implementation. */
  end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#abandoned = reason instanceof ConnectError && reason.code === Code.Canceled;
    if (this.#abandoned && this.#from !== undefined) this.#from.left++;
    this.#leave();
  }

  #leave(): void {
    if (!this.#ended || this.#busy > 0) return;
    this.#busy = Number.NaN;
    if (this.#abandoned && this.#from !== undefined) this.#from.left--;
    const begunMs = this.#begunMs;
    this.#places.leave(this.#from, begunMs === undefined || this.#abandoned ? undefined : performance.now() - begunMs);
  }
}
