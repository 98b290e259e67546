import { Code, ConnectError } from "@connectrpc/connect";
import { errorText, meshError } from "../../error.ts";

/** What was tried at which agent, for messages. */
export interface Attempt {
  readonly address: string;
  /** Such as `look up "orders"`. */
  readonly what: string;
  /** Rights that the token needs for it, such as `service:write on "orders"`. */
  readonly rights: string;
}

/** The error for an answer that is not 2xx. */
export function refusal(of: Attempt, status: number, text: string): ConnectError {
  const said = text.trim().slice(0, 300) || `HTTP ${status}`;
  if (status === 401 || status === 403) return denial(of, said);
  if (status === 400) {
    return meshError(
      Code.InvalidArgument,
      "INVALID_CONFIGURATION",
      `Consul at ${of.address} does not accept the request to ${of.what}: ${said}`,
    );
  }
  return unavailable(of, `it answered ${status}: ${said}`);
}

/** The error for missing rights. */
export function denial(of: Attempt, said: string): ConnectError {
  return meshError(
    Code.PermissionDenied,
    "REGISTRY_DENIED",
    `Consul at ${of.address} refuses to ${of.what}: ${said}. The token needs ${of.rights}`,
  );
}

/** The error for an agent that did not answer, or not sensibly. */
export function unavailable(of: Attempt, why: string, cause?: unknown): ConnectError {
  return meshError(
    Code.Unavailable,
    "REGISTRY_UNAVAILABLE",
    `Could not ${of.what} at Consul at ${of.address}: ${why}`,
    { cause },
  );
}

/** Makes anything that was thrown on the way to an answer a `ConnectError`. */
export function failure(of: Attempt, thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  return unavailable(of, `${text(thrown)}. Check that an agent listens there`, thrown);
}

/** Whether trying again with the same request and token cannot help. */
export function isFinal(error: ConnectError): boolean {
  return error.code === Code.PermissionDenied || error.code === Code.InvalidArgument;
}

/** Node leaves the message empty when it has tried several addresses of a host. */
function text(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) {
    return errorText(thrown.errors[0]);
  }
  return errorText(thrown) || "the connection failed";
}
