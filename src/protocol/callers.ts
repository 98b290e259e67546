import { AsyncLocalStorage } from "node:async_hooks";
import type { Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { HandlerContext, MethodImplSpec } from "@connectrpc/connect";
import { CallContext } from "./unary/call-context.ts";

/**
 * Lets the calls that handlers make know for whose call they are made, and so
 * how long anybody waits for them. It costs nothing until somebody asks.
 */
export class Callers {
  readonly #contexts = new AsyncLocalStorage<HandlerContext>();
  #needed = false;

  /** From now on handlers run so that {@link leftMs} knows of them. */
  need(): void {
    this.#needed = true;
  }

  /**
   * What is left of the deadline of the handler that runs, in milliseconds, 0 or
   * less when it is over; undefined without a deadline, outside of handlers, and
   * for what a handler has left behind when its call was answered.
   */
  leftMs(): number | undefined {
    const context = this.#needed ? this.#contexts.getStore() : undefined;
    return context === undefined || isAnswered(context) ? undefined : context.timeoutMs();
  }

  /** The same implementation, whose calls are known to be its own. */
  around(spec: MethodImplSpec): MethodImplSpec {
    const contexts = this.#contexts;
    switch (spec.kind) {
      case "unary": {
        const { impl } = spec;
        return {
          ...spec,
          impl: (request: Message, context: HandlerContext) =>
            this.#needed ? contexts.run(context, impl, request, context) : impl(request, context),
        };
      }
      case "client_streaming": {
        const { impl } = spec;
        return {
          ...spec,
          impl: (requests: AsyncIterable<Message>, context: HandlerContext) =>
            this.#needed ? contexts.run(context, impl, requests, context) : impl(requests, context),
        };
      }
      case "server_streaming": {
        const { impl } = spec;
        return { ...spec, impl: (request: Message, context: HandlerContext) => this.#answers(context, impl, request) };
      }
      case "bidi_streaming": {
        const { impl } = spec;
        return { ...spec, impl: (requests: AsyncIterable<Message>, context: HandlerContext) => this.#answers(context, impl, requests) };
      }
    }
  }

  /** A generator runs for whoever asks for its next value: each time it has to be told again. */
  #answers<R, A>(
    context: HandlerContext,
    impl: (request: R, context: HandlerContext) => AsyncIterable<A>,
    request: R,
  ): AsyncIterable<A> {
    if (!this.#needed) return impl(request, context);
    const contexts = this.#contexts;
    const answers = contexts.run(context, impl, request, context);
    return {
      [Symbol.asyncIterator]() {
        const from = answers[Symbol.asyncIterator]();
        return {
          next: () => contexts.run(context, () => from.next()),
          return: (value?: unknown) =>
            contexts.run(context, () => from.return?.(value) ?? Promise.resolve({ done: true, value })),
          throw: (error?: unknown) =>
            contexts.run(context, () => from.throw?.(error) ?? Promise.reject(error)),
        };
      },
    };
  }
}

/** Whether a call ended by its answer. Other ends have a reason with a code. */
function isAnswered(context: HandlerContext): boolean {
  if (context instanceof CallContext) return context.answered;
  const { aborted, reason } = context.signal;
  return aborted && !(reason instanceof ConnectError);
}
