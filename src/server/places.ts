import type { Inbound } from "../protocol/inbound.ts";
import type { Places } from "../protocol/unary/running-calls.ts";
import type { Limiter } from "../resilience/limiter.ts";
import { overloaded } from "../resilience/overload.ts";

/** How many handlers a server runs at the same time for callers outside the process. */
export interface Capacity {
  /** How many run. */
  running: number;
  readonly maxCalls: number;
  readonly maxConnectionCalls: number;
  /** The limit that the mesh has by its options, if any. */
  readonly limiter: Limiter | undefined;
}

/** A limit that is not the server's. */
export interface OwnLimit {
  /** What is said when it is reached, without the number. */
  readonly refusal: string;
  readonly limiter: Limiter;
}

/**
 * The places of one method: those of the server and of the caller's connection,
 * then those of the limits that its component and contract set. Calls within
 * the process take only the latter.
 */
export class MethodPlaces implements Places {
  readonly timed: boolean;
  readonly #capacity: Capacity;
  readonly #refusals: readonly string[];
  readonly #own: readonly Limiter[];

  /** @param own limits of component and contract */
  constructor(capacity: Capacity, own: readonly OwnLimit[]) {
    this.#capacity = capacity;
    this.#refusals = own.map(({ refusal: text }) => text);
    this.#own = own.map(({ limiter }) => limiter);
    this.timed = own.length > 0 || capacity.limiter !== undefined;
  }

  enter(from: Inbound | undefined): void {
    if (from !== undefined) this.#enterServer(from);
    const own = this.#own;
    for (let at = 0; at < own.length; at++) {
      const limiter = own[at];
      if (limiter === undefined || limiter.acquire()) continue;
      this.#release(at, undefined);
      if (from !== undefined) this.#leaveServer(from, undefined);
      throw refusal(this.#refusals[at] ?? "", limiter.limit);
    }
  }

  leave(from: Inbound | undefined, tookMs: number | undefined): void {
    this.#release(this.#own.length, tookMs);
    if (from !== undefined) this.#leaveServer(from, tookMs);
  }

  #enterServer(from: Inbound): void {
    const capacity = this.#capacity;
    const { maxCalls, maxConnectionCalls, limiter } = capacity;
    if (from.running >= maxConnectionCalls) {
      from.refused();
      throw refusal("this connection has as many running calls as it may, those that were given up included", maxConnectionCalls);
    }
    if (capacity.running >= maxCalls) throw refusal("the server has as many running calls as it may", maxCalls);
    if (limiter !== undefined && !limiter.acquire()) {
      throw refusal("the server has as many running calls as it can bear now", limiter.limit);
    }
    capacity.running++;
    from.running++;
  }

  #leaveServer(from: Inbound, tookMs: number | undefined): void {
    from.running--;
    this.#capacity.running--;
    this.#capacity.limiter?.release(tookMs);
  }

  /** Gives back the first places of those that are the method's own. */
  #release(count: number, tookMs: number | undefined): void {
    for (let at = 0; at < count; at++) this.#own[at]?.release(tookMs);
  }
}

function refusal(what: string, limit: number): ReturnType<typeof overloaded> {
  return overloaded(`${what} (${limit})`, { metadata: { limit: `${limit}` } });
}
