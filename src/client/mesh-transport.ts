import type { DescService } from "@bufbuild/protobuf";
import type { Transport, UnaryResponse } from "@connectrpc/connect";
import type { MessageTransport } from "./client.ts";
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
export function meshTransport(runtime: ClientRuntime, options: ClientOptions, service?: DescService): MessageTransport {
  const { settings } = runtime;
  // From now on handlers of this process may make calls, whose deadlines follow from their own.
  settings.callers.need();
  // Looks at the options, so it comes before they are used.
  const router = new CallRouter(runtime, options);
  const interceptors = [...settings.interceptors, ...(options.interceptors ?? [])];
  if (service !== undefined) router.check(service);
  const { fastPath } = settings;
  return {
    // Any answer is one of its method.
    unary: unaryCalls(router, interceptors, fastPath, (answer) => answer) as Transport["unary"],
    message: unaryCalls(router, interceptors, fastPath, messageOf),
    stream: streamCalls(router, interceptors),
  };
}

function messageOf(answer: UnaryResponse): unknown {
  return answer.message;
}
