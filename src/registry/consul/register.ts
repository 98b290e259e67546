import { fullJitter } from "../../async/backoff.ts";
import { sleep } from "../../async/sleep.ts";
import { errorText } from "../../error.ts";
import type { ConnectError } from "@connectrpc/connect";
import type { ConsulClient } from "./client.ts";
import type { ServiceDefinition } from "./encode.ts";
import { failure, isFinal, unavailable } from "./failure.ts";
import { release } from "./release.ts";
import type { Tuning } from "./tuning.ts";

/**
 * Registers a service for the first time. An agent that cannot be reached is
 * tried again until the signal aborts or the time is over; a refusal rejects
 * at once. Resolves to the token that it was done with.
 */
export async function registerFirst(
  service: ServiceDefinition,
  client: ConsulClient,
  tuning: Tuning,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const over = AbortSignal.timeout(tuning.registerMs);
  const ending = signal === undefined ? over : AbortSignal.any([signal, over]);
  const what = client.attempt(`register "${service.Name}"`, "");
  let last: ConnectError | undefined;
  for (let failures = 0; !ending.aborted; failures += 1) {
    try {
      return await client.register(service, ending);
    } catch (thrown) {
      const error = failure(what, thrown);
      if (isFinal(error)) throw error;
      // When it was ended in the middle, the failure before it says more.
      if (last === undefined || !ending.aborted) last = error;
      // The agent may have taken what nobody will renew.
      if (ending.aborted) await release(service, client, tuning, AbortSignal.timeout(1_000));
    }
    await sleep(fullJitter(tuning.leaseBackoff, failures, tuning.random), ending);
  }
  if (last === undefined) {
    throw unavailable(what, "it was ended before the first try", signal?.reason);
  }
  const isCallers = signal?.aborted === true;
  const how = isCallers ? "ended by the caller" : `tried for ${tuning.registerMs} ms`;
  throw unavailable(what, `${how}; the last failure was: ${errorText(last)}`, last);
}
