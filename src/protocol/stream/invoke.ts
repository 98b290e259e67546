import { create } from "@bufbuild/protobuf";
import type { DescMessage, DescMethod, Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type {
  HandlerContext,
  Interceptor,
  MethodImplSpec,
  StreamRequest,
  UnaryRequest,
} from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { replaceHeaders } from "../headers.ts";

/** The shape of what interceptors pass on. */
type Next = ReturnType<Interceptor>;
type Answers = AsyncIterable<Message>;

/**
 * The answers of an implementation that is called with a stream of requests,
 * whatever its kind, behind its interceptors: what Connect's
 * `transformInvokeImplementation` does, without two iterables for each message
 * to go through. Nothing is called before the first answer is asked for.
 */
export function invokeStream(
  spec: MethodImplSpec,
  context: HandlerContext,
  requests: AsyncIterable<Message>,
  interceptors: readonly Interceptor[],
): Answers {
  return { [Symbol.asyncIterator]: () => new Invocation(spec, context, requests, interceptors) };
}

class Invocation implements AsyncIterator<Message> {
  readonly #spec: MethodImplSpec;
  readonly #context: HandlerContext;
  readonly #requests: AsyncIterable<Message>;
  readonly #interceptors: readonly Interceptor[];
  #answers: AsyncIterator<Message> | undefined;

  constructor(
    spec: MethodImplSpec,
    context: HandlerContext,
    requests: AsyncIterable<Message>,
    interceptors: readonly Interceptor[],
  ) {
    this.#spec = spec;
    this.#context = context;
    this.#requests = requests;
    this.#interceptors = interceptors;
  }

  next(): Promise<IteratorResult<Message>> {
    return this.#answers === undefined ? this.#start() : this.#answers.next();
  }

  return(value?: unknown): Promise<IteratorResult<Message>> {
    return this.#answers?.return?.(value) ?? Promise.resolve({ done: true, value });
  }

  throw(error?: unknown): Promise<IteratorResult<Message>> {
    return this.#answers?.throw?.(error) ?? Promise.reject(error);
  }

  async #start(): Promise<IteratorResult<Message>> {
    const { method } = this.#spec;
    const context = this.#context;
    const innermost: Next = (request) => Promise.resolve(call(this.#spec, context, request as StreamRequest));
    const composed = this.#interceptors.reduceRight<Next>((next, interceptor) => interceptor(next), innermost);
    const request = {
      stream: true,
      service: method.parent,
      method,
      requestMethod: context.requestMethod,
      url: context.url,
      header: context.requestHeader,
      signal: context.signal,
      contextValues: context.values,
      message: this.#requests,
    };
    const response = await composed(request as StreamRequest | UnaryRequest);
    if (!response.stream) throw new TypeError("an interceptor answered a stream with a single message");
    replaceHeaders(context.responseHeader, response.header);
    const { trailer } = response;
    const answers = response.message as Answers;
    const own = trailer === context.responseTrailer;
    this.#answers = (own ? answers : endingWith(answers, () => {
      replaceHeaders(context.responseTrailer, trailer);
    }))[Symbol.asyncIterator]();
    return this.#answers.next();
  }
}

/** Calls the implementation, as the innermost of the interceptors. */
function call(spec: MethodImplSpec, context: HandlerContext, request: StreamRequest): Awaited<ReturnType<Next>> {
  const { header, message, signal, contextValues } = request;
  const own: HandlerContext = {
    ...context,
    requestHeader: header,
    signal,
    values: contextValues,
  };
  const { method } = spec;
  return {
    stream: true,
    service: method.parent,
    method: method as never,
    header: context.responseHeader,
    trailer: context.responseTrailer,
    message: answersOf(spec, message as AsyncIterable<Message>, own),
  };
}

function answersOf(spec: MethodImplSpec, requests: AsyncIterable<Message>, context: HandlerContext): Answers {
  const { output } = spec.method;
  switch (spec.kind) {
    case "server_streaming":
      return late(async () => {
        const request = await single(requests, spec.method);
        return messagesOf(output, spec.impl(request, context) as Answers);
      });
    case "bidi_streaming":
      return messagesOf(output, spec.impl(requests, context) as Answers);
    case "client_streaming":
      return late(async () =>
        createAsyncIterable([create(output, await spec.impl(requests, context))]),
      );
    case "unary":
      return late(async () => {
        const request = await single(requests, spec.method);
        return createAsyncIterable([create(output, await spec.impl(request, context))]);
      });
  }
}

/** Messages that are there only once something else is done. */
function late(make: () => Promise<Answers>): Answers {
  let from: AsyncIterator<Message> | undefined;
  const start = async (): Promise<IteratorResult<Message>> => {
    from = (await make())[Symbol.asyncIterator]();
    return from.next();
  };
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => (from === undefined ? start() : from.next()),
      return: (value?: unknown) => from?.return?.(value) ?? Promise.resolve({ done: true, value }),
      throw: (error?: unknown) => from?.throw?.(error) ?? Promise.reject(error),
    }),
  };
}

/** Whole messages of what implementations give, which may be parts of messages. */
function messagesOf(desc: DescMessage, answers: Answers): Answers {
  return {
    [Symbol.asyncIterator]() {
      const from = answers[Symbol.asyncIterator]();
      const whole = (result: IteratorResult<Message>): IteratorResult<Message> =>
        result.done === true ? result : { done: false, value: create(desc, result.value) };
      return {
        next: () => from.next().then(whole),
        return: (value?: unknown) => from.return?.(value) ?? Promise.resolve({ done: true, value }),
        throw: (error?: unknown) => from.throw?.(error).then(whole) ?? Promise.reject(error),
      };
    },
  };
}

function endingWith(answers: Answers, end: () => void): Answers {
  return {
    async *[Symbol.asyncIterator]() {
      yield* answers;
      end();
    },
  };
}

/** The only message of a stream. */
async function single(requests: AsyncIterable<Message>, { methodKind }: DescMethod): Promise<Message> {
  const kind = methodKind.replace("_", "-");
  const from = requests[Symbol.asyncIterator]();
  const first = await from.next();
  if (first.done === true) {
    throw new ConnectError(`protocol error: missing input message for ${kind} method`, Code.Unimplemented);
  }
  if ((await from.next()).done !== true) {
    throw new ConnectError(`protocol error: received extra input message for ${kind} method`, Code.Unimplemented);
  }
  return first.value;
}
