import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { errorText } from "../error.ts";
import type { SelectiveInterceptor } from "../protocol/hosted.ts";
import { Checks } from "./checks.ts";
import type { Check } from "./checks.ts";
import { protovalidate } from "./library.ts";
import type { LoadValidation } from "./library.ts";
import { hasRules } from "./rules.ts";

/** Options of {@link validate}. */
export interface ValidateOptions {
  /** Whether to tell the first violation only, which is quicker. Default false: all. */
  readonly failFast?: boolean | undefined;
  /** Loads the library. Default: `() => import("@bufbuild/protovalidate")`. */
  readonly load?: LoadValidation | undefined;
}

/** The interceptor that {@link validate} makes. */
export interface ValidateInterceptor extends SelectiveInterceptor {
  /**
   * Loads the library and compiles the rules of services, so that a mistake is
   * told now and not by the first call. A mesh does that when it starts.
   */
  prepareValidation(services: readonly DescService[]): Promise<void>;
}

/** How requests are passed on. */
type Next = ReturnType<Interceptor>;
type Request = Parameters<Next>[0];

/**
 * An interceptor that checks requests against the protovalidate rules of their
 * contract (https://protovalidate.com), messages of streams as they are read.
 * A request that breaks one fails with `invalid_argument`, reason
 * `VALIDATION_FAILED`, and a `google.rpc.BadRequest`; the implementation does
 * not see it. Methods without rules cost nothing.
 *
 * A mesh adds it to its components by itself. A component that has its own in
 * `interceptors` gets only that one, where it stands. It also works outside a
 * mesh, in clients too: there, a library that is missing or a rule that cannot
 * work fails the calls that need it.
 */
export function validate(options: ValidateOptions = {}): ValidateInterceptor {
  const { failFast = false, load = protovalidate } = options;
  const checks = new Checks({ failFast, load });
  const interceptor: Interceptor = (next) => (req) => {
    const { method } = req;
    if (!checks.has(method)) return forwardLate(next, req, checks);
    const check = checks.get(method);
    return check === undefined ? next(req) : forward(next, req, check);
  };
  return Object.assign(interceptor, {
    prepareValidation: (services: readonly DescService[]) => checks.prepare(services),
    concerns: (method: DescMethod) => hasRules(method.input),
  });
}

/** Whether an interceptor was made by {@link validate}. */
export function validates(interceptor: Interceptor): interceptor is ValidateInterceptor {
  return "prepareValidation" in interceptor;
}

/** The first call of a service that nobody prepared. */
async function forwardLate(next: Next, req: Request, checks: Checks): ReturnType<Next> {
  try {
    await checks.prepareLate(req.method.parent);
  } catch (error) {
    // For the callee's log, as what an implementation throws: the caller did nothing wrong.
    throw new Error(errorText(error), { cause: error });
  }
  return forward(next, req, checks.get(req.method));
}

async function forward(
  next: Next,
  req: Request,
  check: Check | undefined,
): ReturnType<Next> {
  if (check === undefined) return next(req);
  if (req.stream) return next({ ...req, message: checkEach(req.message, check) });
  check(req.message);
  return next(req);
}

function checkEach<T extends Message>(messages: AsyncIterable<T>, check: Check): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const from = messages[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await from.next();
          if (result.done === true) return result;
          try {
            check(result.value);
          } catch (error) {
            // Not awaited: a caller may be in no hurry to stop.
            from.return?.().catch(() => {});
            throw error;
          }
          return result;
        },
        return(value?: unknown) {
          return from.return?.(value) ?? Promise.resolve({ done: true as const, value });
        },
        throw(error?: unknown) {
          return from.throw?.(error) ?? Promise.reject(error);
        },
      };
    },
  };
}
