/** Bounds of the deadlines that callers may ask for, in milliseconds. */
export interface TimeoutBounds {
  /** Deadline of a call that brings none. Undefined leaves it without one. */
  readonly defaultMs: number | undefined;
  /** Longest deadline; a longer one is cut to this, not refused. */
  readonly maxMs: number;
}

const connectHeader = "connect-timeout-ms";
const grpcHeader = "grpc-timeout";

/** Milliseconds of each unit of a `grpc-timeout` (grpc/doc/PROTOCOL-HTTP2.md). */
const units: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * Rewrites the timeout header of a request so that a deadline always exists
 * and is one that timers can hold: Node's timers overflow at 2^31 ms and would
 * end a call of 25 days at once. A header that does not parse is left for the
 * protocol's handler, which answers `invalid_argument`. Returns the deadline in
 * milliseconds, or undefined when there is none.
 */
export function boundTimeout(header: Headers, bounds: TimeoutBounds): number | undefined {
  const grpc = isGrpc(header);
  const name = grpc ? grpcHeader : connectHeader;
  const value = header.get(name);
  const asked = value === null ? bounds.defaultMs : askedMs(header);
  if (asked === undefined || (value !== null && asked <= bounds.maxMs)) return asked;
  const ms = Math.max(1, Math.ceil(Math.min(asked, bounds.maxMs)));
  header.set(name, grpc ? grpcTimeout(ms) : `${ms}`);
  return ms;
}

/**
 * A deadline of whole milliseconds as a `grpc-timeout`, which has eight digits at
 * most: enough for 27 hours, then seconds count. They are never more than the
 * deadline, or timers of the other side would overflow at the longest of all.
 */
export function grpcTimeout(ms: number): string {
  return ms < 1e8 ? `${ms}m` : `${Math.floor(ms / 1_000)}S`;
}

/** Rewrites a `grpc-timeout` with more digits than gRPC allows: Connect's clients count milliseconds, however many. */
export function shortenTimeout(header: Headers): void {
  const ms = /^(\d{9,})m$/.exec(header.get(grpcHeader) ?? "")?.[1];
  if (ms !== undefined) header.set(grpcHeader, grpcTimeout(Number(ms)));
}

/** The deadline that the headers of a request ask for, in milliseconds; undefined for none that parses. */
export function askedMs(header: Headers): number | undefined {
  return isGrpc(header)
    ? grpcMs(header.get(grpcHeader) ?? "")
    : connectMs(header.get(connectHeader) ?? "");
}

function isGrpc(header: Headers): boolean {
  return header.get("content-type")?.startsWith("application/grpc") === true;
}

/**
 * A deadline of the Connect protocol in milliseconds, when it is as usual: at
 * least 1 and well-formed. Undefined leaves it to the general way.
 */
export function plainTimeoutMs(value: string | readonly string[]): number | undefined {
  if (typeof value !== "string" || value.length > 10) return undefined;
  let ms = 0;
  for (let at = 0; at < value.length; at++) {
    const digit = value.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    ms = ms * 10 + digit;
  }
  return ms > 0 ? ms : undefined;
}

/** A deadline of gRPC in milliseconds, when it is as usual. Undefined leaves it to the general way. */
export function plainGrpcTimeoutMs(value: string | readonly string[]): number | undefined {
  if (typeof value !== "string") return undefined;
  const ms = grpcMs(value);
  return ms !== undefined && ms >= 1 ? ms : undefined;
}

function connectMs(value: string): number | undefined {
  return /^\d{1,10}$/.test(value) ? Number(value) : undefined;
}

function grpcMs(value: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(value);
  const unit = units[match?.[2] ?? ""];
  return unit === undefined ? undefined : Number(match?.[1]) * unit;
}
