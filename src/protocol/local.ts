import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues, createHandlerContext } from "@connectrpc/connect";
import type {
  Interceptor,
  MethodImplSpec,
  StreamRequest,
  StreamResponse,
  Transport,
  UnaryRequest,
  UnaryResponse,
} from "@connectrpc/connect";
import {
  invokeUnaryImplementation,
  runStreamingCall,
  runUnaryCall,
  transformInvokeImplementation,
  untilFirst,
} from "@connectrpc/connect/protocol";
import { readAhead } from "../async/read-ahead.ts";
import { unlessAborted } from "../async/unless-aborted.ts";
import { meshError } from "../error.ts";
import { headersOf } from "./headers.ts";
import type { Hosted, HostedMethod } from "./hosted.ts";
import { local } from "./progress.ts";
import { callLocally, received } from "./unary/local-call.ts";

type Context = ReturnType<typeof createHandlerContext>;

/**
 * A transport that calls implementations of this process directly. Messages
 * are handed over as they are, not copied; everything else (interceptors,
 * deadline, cancellation, headers, errors) is as over a wire.
 */
export function localTransport(hosted: Hosted, interceptors: readonly Interceptor[]): Transport {
  return {
    unary(method, signal, timeoutMs, header, message, contextValues) {
      type I = typeof method.input;
      type O = typeof method.output;
      const direct = interceptors.length === 0 ? hosted.find(method)?.unary : undefined;
      if (direct !== undefined) return callLocally(direct, method, { signal, timeoutMs, header }, message);
      const deadline = deadlineOf(timeoutMs);
      return runUnaryCall<I, O>({
        interceptors: [...interceptors],
        ...(signal === undefined ? {} : { signal }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        req: {
          stream: false,
          ...common(method),
          header: headersOf(header),
          contextValues: contextValues ?? createContextValues(),
          message,
        },
        next: (req) => unary(find(hosted, method), req, deadline),
      });
    },
    stream(method, signal, timeoutMs, header, input, contextValues) {
      type I = typeof method.input;
      type O = typeof method.output;
      const deadline = deadlineOf(timeoutMs);
      return runStreamingCall<I, O>({
        interceptors: [...interceptors],
        ...(signal === undefined ? {} : { signal }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        req: {
          stream: true,
          ...common(method),
          header: headersOf(header),
          contextValues: contextValues ?? createContextValues(),
          message: input,
        },
        next: (req) => stream(find(hosted, method), req, deadline),
      });
    },
  };
}

async function unary<I extends DescMessage, O extends DescMessage>(
  hosted: HostedMethod,
  req: UnaryRequest<I, O>,
  deadline: () => number | undefined,
): Promise<UnaryResponse<I, O>> {
  const context = contextOf(req, deadline(), hosted.shutdown);
  try {
    await hosted.requestGate?.(context);
    const message = await invokeUnaryImplementation(
      hosted.spec as MethodImplSpec<I, O> & { kind: "unary" },
      context,
      req.message,
      [...hosted.interceptors],
    );
    return {
      stream: false,
      service: req.service,
      method: req.method,
      header: context.responseHeader,
      trailer: context.responseTrailer,
      message,
    };
  } catch (error) {
    throw failure(error, context);
  } finally {
    context.abort();
  }
}

async function stream<I extends DescMessage, O extends DescMessage>(
  hosted: HostedMethod,
  req: StreamRequest<I, O>,
  deadline: () => number | undefined,
): Promise<StreamResponse<I, O>> {
  req.signal.throwIfAborted();
  const context = contextOf(req, deadline(), hosted.shutdown);
  try {
    await hosted.requestGate?.(context);
  } catch (error) {
    context.abort(error);
    throw failure(error, context);
  }
  let broken: { readonly error: unknown } | undefined;
  const requests = requestsOf(req.message, context, (error) => (broken = { error }));
  const invoke = transformInvokeImplementation(
    hosted.spec as MethodImplSpec<I, O>,
    context,
    [...hosted.interceptors],
  );
  return {
    stream: true,
    service: req.service,
    method: req.method,
    header: context.responseHeader,
    trailer: context.responseTrailer,
    // As over a wire, headers are there once the first message is.
    message: await untilFirst(readAhead(outcome(invoke(readAhead(requests)), context, () => broken))),
  };
}

/**
 * The caller's messages as a wire brings them: when the call ends before they
 * do, or when they fail, that is an error, never their end. What fails also
 * ends the call.
 */
function requestsOf<T>(
  messages: AsyncIterable<T>,
  context: Context,
  failed: (error: unknown) => void,
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const source = messages[Symbol.asyncIterator]();
      return {
        async next() {
          context.signal.throwIfAborted();
          const next = source.next();
          next.catch((error: unknown) => {
            if (context.signal.aborted) return;
            failed(error);
            context.abort(error);
          });
          const result = await unlessAborted(next, context.signal);
          context.signal.throwIfAborted();
          return result;
        },
        return(value?: unknown) {
          return source.return?.(value) ?? Promise.resolve({ done: true as const, value });
        },
      };
    },
  };
}

/**
 * The messages of a call, with errors as a caller gets them. The context ends
 * with the call, and the handler with the context.
 */
function outcome<T>(
  messages: AsyncIterable<T>,
  context: Context,
  broken: () => { readonly error: unknown } | undefined,
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const source = messages[Symbol.asyncIterator]();
      const leave = (): void => {
        // Lets go of the deadline's timer.
        context.abort();
        source.return?.().catch(() => {
          // The handler's own clean-up failed; the call is over.
        });
      };
      // A handler whose reader does not come back hears of the end only so.
      context.signal.addEventListener("abort", leave, { once: true });
      return {
        async next() {
          try {
            const result = await source.next();
            if (result.done === true) context.abort();
            return result;
          } catch (error) {
            const own = broken();
            context.abort();
            throw own === undefined ? failure(error, context) : ConnectError.from(local(own.error));
          }
        },
        return(value?: unknown) {
          context.abort();
          return Promise.resolve({ done: true as const, value });
        },
      };
    },
  };
}

/** The error of a call as its caller gets it: an ended deadline is the caller's own, and no answer. */
function failure(error: unknown, context: Context): ConnectError {
  const own = error === context.signal.reason && error instanceof ConnectError && error.code === Code.DeadlineExceeded;
  return own ? error : received(error, context);
}

function find(hosted: Hosted, method: DescMethod): HostedMethod {
  const found = hosted.find(method);
  if (found !== undefined) return found;
  throw meshError(
    Code.Unimplemented,
    "NO_INSTANCE",
    `${method.parent.typeName} is not hosted in this process; host its component or use another channel`,
  );
}

function common(method: DescMethod): {
  service: DescMethod["parent"];
  method: never;
  requestMethod: string;
  url: string;
} {
  return {
    service: method.parent,
    // Connect's request types tie a method to its kind; the caller's `method` is that kind.
    method: method as never,
    requestMethod: "POST",
    url: `local:///${method.parent.typeName}/${method.name}`,
  };
}

function contextOf(
  req: UnaryRequest | StreamRequest,
  timeoutMs: number | undefined,
  shutdownSignal: AbortSignal,
): Context {
  return createHandlerContext({
    service: req.service,
    method: req.method,
    protocolName: "local",
    requestMethod: req.requestMethod,
    url: req.url,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    requestSignal: req.signal,
    shutdownSignal,
    requestHeader: req.header,
    // What a caller keeps in its context values never travels.
    contextValues: createContextValues(),
  });
}

/** A clock for what is left of a timeout, in milliseconds; never below 1. */
function deadlineOf(timeoutMs: number | undefined): () => number | undefined {
  if (timeoutMs === undefined) return () => undefined;
  const end = performance.now() + timeoutMs;
  return () => Math.max(1, end - performance.now());
}
