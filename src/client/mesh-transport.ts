import type { Transport } from "@connectrpc/connect";
import { CallRouter } from "./call-router.ts";
import type { ClientOptions } from "./options.ts";
import type { ClientRuntime } from "./runtime.ts";
import { streamCalls } from "./stream.ts";
import { unaryCalls } from "./unary.ts";

/**
 * A mesh as a Connect `Transport`: picks an instance for each attempt of each
 * call and delegates to that instance's own transport.
 */
export function meshTransport(runtime: ClientRuntime, options: ClientOptions): Transport {
  const { settings } = runtime;
  const interceptors = [...settings.interceptors, ...(options.interceptors ?? [])];
  const router = new CallRouter(runtime, options);
  return {
    unary: unaryCalls(router, interceptors, settings.fastPath),
    stream: streamCalls(router, interceptors),
  };
}
