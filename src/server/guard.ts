import { Code, ConnectError, createContextKey } from "@connectrpc/connect";
import type { ContextKey, Interceptor } from "@connectrpc/connect";
import { unlessAborted } from "../async/unless-aborted.ts";
import type { Component } from "../component/component.ts";
import { meshError } from "../error.ts";
import { publish } from "../events.ts";
import { wireError } from "../protocol/wire-error.ts";
import type { Tracker } from "./tracker.ts";

/**
 * Id of the instance that runs the handler, for its answers and logs:
 * `context.values.get(instanceId)`.
 */
export const instanceId: ContextKey<string> = createContextKey("", {
  description: "connect-mesh instance id",
});

/**
 * The outermost server interceptor of a component, the same on every wire: it
 * turns calls away while the component is not running, counts them, answers at
 * the deadline whatever the handler does, and reports errors that the caller
 * must not see.
 */
export function guard(component: Component, id: string, tracker: Tracker): Interceptor {
  return (next) => async (req) => {
    if (component.state !== "RUNNING" && component.state !== "DRAINING") {
      throw meshError(
        Code.Unavailable,
        "NOT_RUNNING",
        `component ${component.name} is ${component.state}; it answers while the mesh is started`,
        { metadata: { component: component.name } },
      );
    }
    req.contextValues.set(instanceId, id);
    const leave = tracker.enter();
    // The context's signal aborts at the end of every call, however it ends.
    req.signal.addEventListener("abort", leave, { once: true });
    const fail = (error: unknown): never => {
      leave();
      throw report(error, req.service.typeName, req.method.name, req.signal);
    };
    const res = await unlessAborted(next(req), req.signal).catch(fail);
    if (!res.stream) {
      leave();
      return res;
    }
    return { ...res, message: guardStream(res.message, req.signal, leave, fail) };
  };
}

function guardStream<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  leave: () => void,
  fail: (error: unknown) => never,
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const from = messages[Symbol.asyncIterator]();
      const end = (): void => {
        leave();
        from.return?.().catch(() => {
          // The handler's clean-up failed after the call had ended.
        });
      };
      return {
        async next() {
          try {
            const result = await unlessAborted(from.next(), signal);
            if (result.done === true) leave();
            return result;
          } catch (error) {
            end();
            return fail(error);
          }
        },
        return(value?: unknown) {
          end();
          return Promise.resolve({ done: true as const, value });
        },
      };
    },
  };
}

/** The error for the caller; what it hides is published as an event. */
function report(
  error: unknown,
  service: string,
  method: string,
  signal: AbortSignal,
): ConnectError {
  if (error instanceof ConnectError) return error;
  // Abort reasons are not the handler's doing.
  if (signal.aborted && error === signal.reason) return ConnectError.from(error, Code.Canceled);
  publish("handler.error", () => ({ service, method, error }));
  return wireError(error);
}
