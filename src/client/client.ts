import type { DescMethodStreaming, DescMethodUnary, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, makeAnyClient } from "@connectrpc/connect";
import type { CallOptions, Client, StreamResponse, Transport } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";

/** A message, or a part of one: what it is, the caller's types have said. */
type Part = Record<string, unknown>;

/** A transport that also makes unary calls of which only the message is wanted: a promise less for each. */
export interface MessageTransport extends Transport {
  readonly message: (...call: Parameters<Transport["unary"]>) => Promise<unknown>;
}

/**
 * A typed client, with the same methods as Connect's `createClient`. Two things
 * are better: leaving a stream of answers early (`break`) cancels its call
 * instead of letting it run to its deadline, and messages go through fewer hands.
 */
export function client<S extends DescService>(service: S, transport: MessageTransport): Client<S> {
  return makeAnyClient(service, (method) => {
    switch (method.methodKind) {
      case "unary":
        return unary(transport, method);
      case "server_streaming":
        return (request: Part, options?: CallOptions) =>
          streamed(transport, method, createAsyncIterable([request]), options);
      case "client_streaming":
        return (requests: AsyncIterable<Part>, options?: CallOptions) =>
          single(streamed(transport, method, requests, options));
      case "bidi_streaming":
        return (requests: AsyncIterable<Part>, options?: CallOptions) =>
          streamed(transport, method, requests, options);
    }
  }) as Client<S>;
}

function unary(transport: MessageTransport, method: DescMethodUnary): (request: Part, options?: CallOptions) => unknown {
  return (request, options) => {
    if (options === undefined) return transport.message(method, undefined, undefined, undefined, request);
    const { signal, timeoutMs, headers, contextValues } = options;
    return transport.unary(method, signal, timeoutMs, headers, request, contextValues).then((answer) => {
      options.onHeader?.(answer.header);
      options.onTrailer?.(answer.trailer);
      return answer.message;
    });
  };
}

/** Begins a streaming call at once; its answers can be read once. */
function streamed(
  transport: Transport,
  method: DescMethodStreaming,
  requests: AsyncIterable<Part>,
  options: CallOptions = {},
): AsyncIterable<unknown> {
  const { signal, timeoutMs, headers, contextValues } = options;
  const leave = new AbortController();
  const ends = signal === undefined ? leave.signal : AbortSignal.any([signal, leave.signal]);
  const response = transport.stream(method, ends, timeoutMs, headers, requests, contextValues);
  response.catch(() => {
    // Told to whoever reads the answers, if anybody does.
  });
  const answers = new Answers(response, options, leave);
  return { [Symbol.asyncIterator]: () => answers };
}

class Answers implements AsyncIterator<unknown> {
  readonly #response: Promise<StreamResponse>;
  readonly #options: CallOptions;
  readonly #leave: AbortController;
  #answer: StreamResponse | undefined;
  #from: AsyncIterator<unknown> | undefined;
  #over = false;

  constructor(response: Promise<StreamResponse>, options: CallOptions, leave: AbortController) {
    this.#response = response;
    this.#options = options;
    this.#leave = leave;
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    const next = this.#from === undefined ? this.#start() : this.#from.next();
    return this.#options.onTrailer === undefined ? next : next.then((result) => this.#seen(result));
  }

  /** Whoever reads has had enough: the call ends, on both sides. */
  return(value?: unknown): Promise<IteratorResult<unknown>> {
    if (!this.#over) {
      this.#over = true;
      this.#leave.abort(new ConnectError("the reader left the stream", Code.Canceled));
      // Connect's transports let go of the call's deadline only when they are read once more.
      this.#response
        .then((answer) => (this.#from ?? iteratorOf(answer)).next())
        .catch(() => {
          // The call has ended; how it did is known.
        });
    }
    return Promise.resolve({ done: true, value });
  }

  async #start(): Promise<IteratorResult<unknown>> {
    const answer = await this.#response;
    if (this.#from === undefined) {
      this.#answer = answer;
      this.#options.onHeader?.(answer.header);
      this.#from = iteratorOf(answer);
    }
    return this.#from.next();
  }

  #seen(result: IteratorResult<unknown>): IteratorResult<unknown> {
    if (result.done === true && !this.#over && this.#answer !== undefined) {
      this.#over = true;
      this.#options.onTrailer?.(this.#answer.trailer);
    }
    return result;
  }
}

function iteratorOf(answer: StreamResponse): AsyncIterator<unknown> {
  return (answer.message as AsyncIterable<unknown>)[Symbol.asyncIterator]();
}

/** The only answer of a client stream. */
async function single(answers: AsyncIterable<unknown>): Promise<unknown> {
  let message: unknown;
  let count = 0;
  for await (const answer of answers) {
    message = answer;
    if (++count > 1) {
      throw new ConnectError("protocol error: received extra messages for client streaming method", Code.Unimplemented);
    }
  }
  if (count === 1) return message;
  throw new ConnectError("protocol error: missing response message", Code.Unimplemented);
}
