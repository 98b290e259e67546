// What is measured, and what one measurement saw.

/**
 * A thing to measure: a message echoed with a number of calls in flight, one
 * server stream after another, or calls within the process one after another.
 */
export interface Cell {
  readonly kind: "unary" | "stream" | "local";
  readonly message: string;
  readonly inFlight: number;
}

/** What one measurement saw. */
export interface Measured {
  /** How many calls ended, or messages of streams came. */
  readonly calls: number;
  readonly ms: number;
  /** Latencies of single calls in microseconds; 0 where none are taken. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** One measurement of one contender in one round. */
export interface Sample extends Measured {
  /** Key of the contender. */
  readonly contender: string;
  /** Title of the cell. */
  readonly cell: string;
  readonly round: number;
  /** CPU time of each side, in microseconds a call. */
  readonly serverUs: number;
  readonly clientUs: number;
  /** Largest memory of each side so far, in megabytes. */
  readonly serverRssMb: number;
  readonly clientRssMb: number;
}

/** How many messages each stream has. */
export const streamLength = 10_000;

/** The streams of small messages. */
export const streamCell: Cell = { kind: "stream", message: "small messages", inFlight: 1 };

/** The name of a cell in results and tables. */
export function cellTitle({ kind, message, inFlight }: Cell): string {
  if (kind === "stream") return `server stream of ${message}`;
  if (kind === "local") return `${message}, within the process`;
  return `${message}, ${inFlight} in flight`;
}

/** The title of a unary cell. */
export function unaryTitle(message: string, inFlight: number): string {
  return cellTitle({ kind: "unary", message, inFlight });
}

/** Calls or messages a second. */
export function rateOf({ calls, ms }: Measured): number {
  return (calls / ms) * 1_000;
}
