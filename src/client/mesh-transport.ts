import type { DescService } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { CallRouter } from "./call-router.ts";
import type { ClientOptions } from "./options.ts";
import type { ClientRuntime } from "./runtime.ts";
import { streamCalls } from "./stream.ts";
import { unaryCalls } from "./unary.ts";

/**
 * A mesh as a Connect `Transport`: picks an instance for each attempt of each
 * call and delegates to that instance's own transport. Throws a configuration
 * error for options that make no sense.
 *
 * @param service whose policies are looked at now instead of with the first call
 */
export function meshTransport(runtime: ClientRuntime, options: ClientOptions, service?: DescService): Transport {
  const { settings } = runtime;
  // From now on handlers of this process may make calls, whose deadlines follow from their own.
  settings.callers.need();
  const interceptors = [...settings.interceptors, ...(options.interceptors ?? [])];
  const router = new CallRouter(runtime, options);
  if (service !== undefined) router.check(service);
  return {
    unary: unaryCalls(router, interceptors, settings.fastPath),
    stream: streamCalls(router, interceptors),
  };
}
