import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { errorDomain } from "../error.ts";
import { pushbackHeader } from "./pushback.ts";

/** Options of {@link overloaded}. */
export interface OverloadedOptions {
  /**
   * About when to come back, in milliseconds: callers are told a time between
   * half of it and one and a half, so that they do not come back together.
   * Default 100.
   */
  readonly afterMs?: number | undefined;
  /** Structured facts for the `ErrorInfo`, such as the limit. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * The error for a call that a server refuses because too many run:
 * `resource_exhausted`, reason `OVERLOADED`. It says when to come back, as the
 * trailer `grpc-retry-pushback-ms` (gRFC A6) and as `google.rpc.RetryInfo`.
 *
 * @param what what is overloaded and by what limit, for people
 */
export function overloaded(what: string, options: OverloadedOptions = {}): ConnectError {
  const { afterMs = 100, metadata, random = Math.random } = options;
  const ms = Math.round(afterMs * (0.5 + random()));
  const info = create(ErrorInfoSchema, { reason: "OVERLOADED", domain: errorDomain, metadata: { ...metadata } });
  const retryDelay = { seconds: BigInt(Math.floor(ms / 1_000)), nanos: (ms % 1_000) * 1e6 };
  return new ConnectError(`${what}; come back in ${ms} ms`, Code.ResourceExhausted, { [pushbackHeader]: `${ms}` }, [
    { desc: ErrorInfoSchema, value: info },
    { desc: RetryInfoSchema, value: { retryDelay } },
  ]);
}
