import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextKey } from "@connectrpc/connect";
import type { ContextKey, Interceptor } from "@connectrpc/connect";
import { unlessAborted } from "../async/unless-aborted.ts";
import type { Component } from "../component/component.ts";
import { meshError } from "../error.ts";
import { publish } from "../events.ts";
import { inboundKey } from "../protocol/inbound.ts";
import type { CallGuard } from "../protocol/unary/form.ts";
import type { Places } from "../protocol/unary/running-calls.ts";
import { wireError } from "../protocol/wire-error.ts";
import { Place } from "./place.ts";
import type { Tracker } from "./tracker.ts";

/**
 * Id of the instance that runs the handler, for its answers and logs:
 * `context.values.get(instanceId)`.
 */
export const instanceId: ContextKey<string> = createContextKey("", {
  description: "connect-mesh instance id",
});

/** What a component has around each of its calls, whichever way they go. */
export function componentGuard(component: Component, id: string): CallGuard {
  return {
    admit() {
      if (component.state === "RUNNING" || component.state === "DRAINING") return;
      throw meshError(
        Code.Unavailable,
        "NOT_RUNNING",
        `component ${component.name} is ${component.state}; it answers while the mesh is started`,
        { metadata: { component: component.name } },
      );
    },
    prepare(values) {
      values.set(instanceId, id);
    },
    report(error, method) {
      if (error instanceof ConnectError) return error;
      publish("handler.error", () => ({ service: method.parent.typeName, method: method.name, error }));
      return wireError(error);
    },
  };
}

/**
 * The outermost server interceptor of a component, the same on every wire: it
 * turns calls away while the component is not running or too many run, counts
 * them, answers at the deadline whatever the handler does, and reports errors
 * that the caller must not see.
 *
 * @param placesOf where the calls of a method get their places
 */
export function guarded(
  guard: CallGuard,
  tracker: Tracker,
  placesOf: (method: DescMethod) => Places | undefined,
): Interceptor {
  return (next) => async (req) => {
    const { method, signal } = req;
    guard.admit();
    guard.prepare(req.contextValues);
    const places = placesOf(method);
    const inbound = req.contextValues.get(inboundKey);
    const unary = method.methodKind === "unary";
    const place = places === undefined ? undefined : new Place(places, inbound, unary);
    const leave = tracker.enter();
    // The context's signal aborts at the end of every call, however it ends.
    const ended = (): void => {
      leave();
      place?.end(signal.reason);
    };
    if (signal.aborted) ended();
    else signal.addEventListener("abort", ended, { once: true });
    const fail = (error: unknown): never => {
      leave();
      // Abort reasons are not the handler's doing.
      const aborted = signal.aborted && error === signal.reason;
      throw aborted ? ConnectError.from(error, Code.Canceled) : guard.report(error, method);
    };
    const running = next(req);
    place?.hold(running);
    const res = await unlessAborted(running, signal).catch(fail);
    if (!res.stream) {
      leave();
      return res;
    }
    return { ...res, message: guardStream(res.message, signal, leave, fail, place) };
  };
}

/** Answers of a stream that end when the signal aborts, whatever the handler does. */
function guardStream<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  leave: () => void,
  fail: (error: unknown) => never,
  place: Place | undefined,
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const from = messages[Symbol.asyncIterator]();
      let reject: ((error: unknown) => void) | undefined;
      const end = (): void => {
        leave();
        signal.removeEventListener("abort", aborted);
        const left = from.return?.();
        if (left === undefined) return;
        place?.hold(left);
        left.catch(() => {
          // The handler's clean-up failed after the call had ended.
        });
      };
      const failed = (error: unknown): void => {
        end();
        try {
          fail(error);
        } catch (reported) {
          reject?.(reported);
        }
        reject = undefined;
      };
      const aborted = (): void => {
        if (reject !== undefined) failed(signal.reason);
      };
      signal.addEventListener("abort", aborted, { once: true });
      return {
        next: () =>
          new Promise((resolve, refuse) => {
            reject = refuse;
            if (signal.aborted) {
              failed(signal.reason);
              return;
            }
            const running = from.next();
            place?.hold(running);
            running.then((result) => {
              reject = undefined;
              if (result.done === true) {
                leave();
                signal.removeEventListener("abort", aborted);
              }
              resolve(result);
            }, failed);
          }),
        return(value?: unknown) {
          end();
          return Promise.resolve({ done: true as const, value });
        },
      };
    },
  };
}
