import type { IncomingHttpHeaders } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";

/** The header that all wires but gRPC's have for deadlines, in milliseconds. */
const connectTimeout = "connect-timeout-ms";

/** Milliseconds of each unit of a `grpc-timeout` (grpc/doc/PROTOCOL-HTTP2.md). */
const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

const readers: Readonly<Record<string, (value: string) => number | undefined>> = {
  [connectTimeout]: (value) => (/^\d{1,10}$/.test(value) ? Number(value) : undefined),
  "grpc-timeout": (value) => {
    const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(value) ?? [];
    return digits === undefined ? undefined : Number(digits) * (units[unit] ?? 1);
  },
  "x-server-timeout": (value) => (/^\d{1,9}(?:\.\d*)?$/.test(value) ? Number(value) * 1_000 : undefined),
};

/**
 * Turns the deadlines that REST callers send into Connect's header, which all
 * that follows understands: `grpc-timeout` (`100m`, as grpc-gateway takes it)
 * and `x-server-timeout` (seconds with a fraction, as Vanguard takes it). The
 * shortest wins. One that does not parse becomes one that {@link timeoutOf}
 * refuses.
 */
export function translateTimeout(headers: IncomingHttpHeaders): void {
  if (headers["grpc-timeout"] === undefined && headers["x-server-timeout"] === undefined) return;
  let shortest = 1e10 - 1;
  for (const [name, read] of Object.entries(readers)) {
    const value = headers[name];
    if (value === undefined) continue;
    const ms = read(String(value));
    if (ms === undefined) {
      headers[connectTimeout] = `${name} ${String(value)}`;
      return;
    }
    shortest = Math.min(shortest, Math.ceil(ms));
  }
  headers[connectTimeout] = String(shortest);
}

/** The deadline of a request in milliseconds, if it has one, or the error when it is malformed. */
export function timeoutOf(headers: Headers): number | undefined | ConnectError {
  const value = headers.get(connectTimeout);
  if (value === null) return undefined;
  return (
    readers[connectTimeout]?.(value) ??
    new ConnectError(
      `the deadline "${value}" is malformed; send connect-timeout-ms: 500, grpc-timeout: 500m or x-server-timeout: 0.5`,
      Code.InvalidArgument,
    )
  );
}
