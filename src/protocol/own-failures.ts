import type { Interceptor } from "@connectrpc/connect";
import { endedUnsent } from "./keep-progress.ts";
import { local } from "./progress.ts";

/** The shape of what interceptors pass on. */
type Next = ReturnType<Interceptor>;

/** What is known of a call while it runs. */
interface Course {
  /** Whether the request has come through the interceptors. */
  reached: boolean;
  /** Whether what lies behind the interceptors has failed. */
  failed: boolean;
}

/**
 * The same interceptors, as one whose errors tell whether an interceptor threw
 * by itself, which says nothing of the other side. An error that follows one of
 * the transport's stays what the interceptors make of it. A call whose signal
 * aborts before the interceptors have let it through was never sent.
 */
export function tellingOwnFailures(interceptors: readonly Interceptor[]): readonly Interceptor[] {
  if (interceptors.length === 0) return interceptors;
  return [(next) => around(interceptors, next)];
}

function around(interceptors: readonly Interceptor[], next: Next): Next {
  return async (request) => {
    const { signal } = request;
    const course: Course = { reached: false, failed: false };
    const innermost: Next = async (inner) => {
      course.reached = true;
      // They may try again by themselves.
      course.failed = false;
      const noted = (error: unknown): unknown => {
        course.failed = true;
        return error;
      };
      try {
        const answer = await next(inner);
        return answer.stream ? { ...answer, message: withErrors(answer.message, noted) } : answer;
      } catch (error) {
        throw noted(error);
      }
    };
    const told = (error: unknown): unknown => {
      if (course.failed) return error;
      if (!signal.aborted) return local(error);
      return course.reached ? error : endedUnsent(signal);
    };
    try {
      const answer = await interceptors.reduceRight<Next>((inner, outer) => outer(inner), innermost)(request);
      return answer.stream ? { ...answer, message: withErrors(answer.message, told) } : answer;
    } catch (error) {
      throw told(error);
    }
  };
}

/** Messages whose errors are looked at. */
function withErrors<T>(messages: AsyncIterable<T>, look: (error: unknown) => unknown): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const from = messages[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            return await from.next();
          } catch (error) {
            throw look(error);
          }
        },
        return: (value?: unknown) => from.return?.(value) ?? Promise.resolve({ done: true, value }),
        throw: (error?: unknown) => from.throw?.(error) ?? Promise.reject(error),
      };
    },
  };
}
