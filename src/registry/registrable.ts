import { Code, type ConnectError } from "@connectrpc/connect";
import { type Instance, parseInstance } from "../contract/instance.ts";
import { configurationError, errorText, meshError } from "../error.ts";

/**
 * Checks an instance before it is registered. Returns a copy, so that later
 * changes of the caller's object change nothing. Throws `invalid_argument` with
 * the name of the first field that is wrong.
 */
export function registrable(wanted: Instance): Instance {
  try {
    return parseInstance(structuredClone(wanted));
  } catch (error) {
    throw configurationError(`the instance cannot be registered: ${errorText(error)}`);
  }
}

/** The error of registering an id that is registered already: `already_exists`. */
export function alreadyRegistered(registry: string, id: string): ConnectError {
  return meshError(
    Code.AlreadyExists,
    "INVALID_CONFIGURATION",
    `the instance id ${JSON.stringify(id)} is registered already (registry ${registry}); ` +
      "release its lease first, or use a new id for each start",
    { metadata: { registry, id } },
  );
}
