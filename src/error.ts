import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";

/** Domain of every `google.rpc.ErrorInfo` that connect-mesh itself attaches. */
export const errorDomain = "connect-mesh";

/**
 * Why connect-mesh failed something, as the `reason` of the error's
 * `google.rpc.ErrorInfo`. Programs branch on this, never on the message.
 */
export type Reason =
  /** A component, mesh or registry was configured in a way that cannot work. */
  | "INVALID_CONFIGURATION"
  /** The port, host or socket path could not be listened on. */
  | "LISTEN_FAILED"
  /** A startup hook failed or took too long. */
  | "STARTUP_FAILED"
  /** The component that should answer is not running. */
  | "NOT_RUNNING"
  /** The mesh was closed while the call ran, or before it. */
  | "MESH_CLOSED"
  /** The registry knows no instance of the service, or the balancer picks none of them. */
  | "NO_INSTANCE"
  /** Instances exist, but none offers a channel that the caller accepts. */
  | "NO_CHANNEL"
  /** The connection to the instance could not be made, or broke. */
  | "CONNECTION_FAILED"
  /** The deadline ended before the answer came. */
  | "DEADLINE_EXCEEDED"
  /** The server is stopping and ended the call. */
  | "SHUTTING_DOWN"
  /** The server refuses the call because too many run; the error says when to come back. */
  | "OVERLOADED"
  /** The registry cannot be reached, refuses the request, or has not answered yet. */
  | "REGISTRY_UNAVAILABLE"
  /** The registry refuses the credentials. */
  | "REGISTRY_DENIED"
  /** A request breaks the validation rules of its contract. */
  | "VALIDATION_FAILED";

/** Options of {@link meshError}. */
export interface MeshErrorOptions {
  /** Structured facts for the `ErrorInfo`, such as the component's name. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** What led to this error. Never sent over a wire. */
  readonly cause?: unknown;
}

/**
 * Makes a `ConnectError` that carries a `google.rpc.ErrorInfo` with the given
 * reason. The message says what happened and what to do about it.
 */
export function meshError(
  code: Code,
  reason: Reason,
  message: string,
  options: MeshErrorOptions = {},
): ConnectError {
  const info = create(ErrorInfoSchema, {
    reason,
    domain: errorDomain,
    metadata: { ...options.metadata },
  });
  const details = [{ desc: ErrorInfoSchema, value: info }];
  const error = new ConnectError(message, code, undefined, details, options.cause);
  // Not in what Node prints of an error that nobody catches: descriptors fill screens.
  Object.defineProperty(error, "details", { value: error.details, writable: true, enumerable: false });
  return error;
}

/** The error for options that cannot work: `invalid_argument`, `INVALID_CONFIGURATION`. */
export function configurationError(
  message: string,
  metadata?: Readonly<Record<string, string>>,
): ConnectError {
  return meshError(Code.InvalidArgument, "INVALID_CONFIGURATION", message, { metadata });
}

/**
 * The reason that connect-mesh gave for an error, or undefined when the error
 * came from elsewhere. Works for local errors and for those read from a wire.
 */
export function reasonOf(error: unknown): Reason | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  for (const info of error.findDetails(ErrorInfoSchema)) {
    if (info.domain === errorDomain) return info.reason as Reason;
  }
  return undefined;
}

/** The text of anything that was thrown. */
export function errorText(error: unknown): string {
  if (error instanceof ConnectError) return error.rawMessage;
  return error instanceof Error ? error.message : String(error);
}
