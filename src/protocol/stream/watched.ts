import { createContextKey } from "@connectrpc/connect";
import type { ContextKey, ContextValues } from "@connectrpc/connect";

const key: ContextKey<AbortSignal | undefined> = createContextKey<AbortSignal | undefined>(undefined, {
  description: "connect-mesh watched call",
});

/**
 * Notes that somebody watches a call already: its signal is its own and aborts
 * at its end, however it ends. A transport need not watch the messages then. It
 * travels with the call's values, through whatever wraps the transport.
 */
export function watch(values: ContextValues, signal: AbortSignal): void {
  values.set(key, signal);
}

/** Whether somebody watches the call with that signal. */
export function isWatched(values: ContextValues | undefined, signal: AbortSignal | undefined): boolean {
  return signal !== undefined && values?.get(key) === signal;
}
