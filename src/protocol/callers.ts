import { AsyncLocalStorage } from "node:async_hooks";
import type { Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { HandlerContext, MethodImplSpec } from "@connectrpc/connect";
import { CallContext } from "./unary/call-context.ts";

/**
 * Lets the calls that handlers make know for whose call they are made, and so
 * how long anybody waits for them. A handler is followed before there is any
 * client, for it may make the first one.
 */
export class Callers {
  readonly #contexts = new AsyncLocalStorage<HandlerContext>();
  #needed = false;

  /** From now on there are clients: streams are followed beyond their first answer. */
  need(): void {
    this.#needed = true;
  }

  /**
   * What is left of the deadline of the handler that runs, in milliseconds, 0 or
   * less when it is over; undefined without a deadline, outside of handlers, and
   * for what a handler has left behind when its call was answered.
   */
  leftMs(): number | undefined {
    const context = this.#contexts.getStore();
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
          impl: (request: Message, context: HandlerContext) => contexts.run(context, impl, request, context),
        };
      }
      case "client_streaming": {
        const { impl } = spec;
        return {
          ...spec,
          impl: (requests: AsyncIterable<Message>, context: HandlerContext) => contexts.run(context, impl, requests, context),
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

  /**
   * A generator runs for whoever asks for its next value: each time it has to be
   * told again, which would cost streams of small answers a fifth of their speed
   * where nobody makes calls.
   */
  #answers<R, A>(
    context: HandlerContext,
    impl: (request: R, context: HandlerContext) => AsyncIterable<A>,
    request: R,
  ): AsyncIterable<A> {
    const contexts = this.#contexts;
    const isNeeded = (): boolean => this.#needed;
    const answers = contexts.run(context, impl, request, context);
    return {
      [Symbol.asyncIterator]() {
        const from = answers[Symbol.asyncIterator]();
        let begun = false;
        return {
          next: () => {
            if (begun && !isNeeded()) return from.next();
            begun = true;
            return contexts.run(context, () => from.next());
          },
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
