import type { IncomingHttpHeaders } from "node:http";

/** What a blocking query says about its answer, in the headers `X-Consul-*`. */
export interface QueryMeta {
  /** Position to wait beyond. Unsigned 64-bit, so no `number`. */
  readonly index: bigint;
  /** How long the answering server had not heard of its leader, in milliseconds. */
  readonly lastContactMs: number;
  /** False when the answering server knows of no leader. */
  readonly knownLeader: boolean;
}

/**
 * Reads the headers. Throws a `TypeError` without a valid index, because
 * without it the next query would return at once, for ever.
 */
export function queryMeta(headers: IncomingHttpHeaders): QueryMeta {
  const index = headers["x-consul-index"];
  if (typeof index !== "string" || !/^\d+$/.test(index)) {
    throw new TypeError("the answer has no X-Consul-Index; a proxy in between may have removed it");
  }
  const contact = Number(headers["x-consul-lastcontact"] ?? 0);
  return {
    index: BigInt(index),
    lastContactMs: Number.isFinite(contact) ? contact : 0,
    knownLeader: headers["x-consul-knownleader"] !== "false",
  };
}

/**
 * The position of one watch, by the rules of Consul's blocking queries: an
 * index is at least 1, and one that goes backwards (a restored or replaced
 * server) starts the watch over.
 */
export class IndexCursor {
  #index: bigint | undefined;

  /** The index to send, or undefined for a query that returns at once. */
  get index(): bigint | undefined {
    return this.#index;
  }

  /** Takes over the index of an answer. */
  advance(answered: bigint): void {
    const next = answered < 1n ? 1n : answered;
    this.#index = this.#index !== undefined && next < this.#index ? undefined : next;
  }
}
