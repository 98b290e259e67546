import { fullJitter } from "../../async/backoff.ts";
import { sleep } from "../../async/sleep.ts";
import type { ConnectError } from "@connectrpc/connect";
import type { ConsulClient } from "./client.ts";
import type { ServiceDefinition } from "./encode.ts";
import { failure, isFinal } from "./failure.ts";
import type { Tuning } from "./tuning.ts";

/**
 * Removes a service, trying until it worked, was refused, or `over` aborts.
 * Resolves to the last failure, or to undefined when the service is gone.
 */
export async function release(
  service: ServiceDefinition,
  client: ConsulClient,
  tuning: Tuning,
  over: AbortSignal,
): Promise<ConnectError | undefined> {
  const what = client.attempt(`deregister "${service.Name}"`, "");
  let last: ConnectError | undefined;
  for (let failures = 0; !over.aborted; failures += 1) {
    try {
      await client.deregister(service, over);
      return undefined;
    } catch (thrown) {
      const error = failure(what, thrown);
      if (last === undefined || !over.aborted) last = error;
      if (isFinal(error)) return error;
    }
    await sleep(fullJitter({ initialMs: 200, maxMs: 1_000 }, failures, tuning.random), over);
  }
  return last ?? failure(what, "there was no time left");
}
