import type { IncomingHttpHeaders } from "node:http";

/** A request that is complete before it is sent. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query, from the first slash. */
  readonly path: string;
  /** Names, in lower case, and values in turn: the form that takes Node the least work. It belongs to the request. */
  readonly headers: string[];
  /** Undefined sends none. */
  readonly body: Uint8Array | undefined;
  /** Ends the request with `deadline_exceeded`, in milliseconds from now; undefined for never. */
  readonly timeoutMs: number | undefined;
  /** Ends the request with `canceled`, or with what its reason says. */
  readonly signal: AbortSignal | undefined;
  /** Whether the answer has trailers that matter. */
  readonly trailers: boolean;
  /** Largest body of the answer, in bytes. */
  readonly maxBytes: number;
}

/** An answer that is complete. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  readonly trailers: IncomingHttpHeaders | undefined;
}

/**
 * Sends a request in one piece and reads its answer as one: what unary calls
 * need of HTTP, without the iterables that streams need. Resolves to what `read`
 * makes of the answer; rejects with what that throws, or with the same errors as
 * the clients for streams.
 */
export type UnaryHttp = <T>(request: HttpRequest, read: (answer: HttpAnswer) => T | Promise<T>) => Promise<T>;
