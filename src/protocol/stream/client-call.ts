import { create } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Interceptor, StreamRequest, StreamResponse } from "@connectrpc/connect";
import { runStreamingCall } from "@connectrpc/connect/protocol";
import { keepProgress } from "../keep-progress.ts";
import { isWatched } from "./watched.ts";

/** One streaming call of a transport. */
export interface StreamCall<I extends DescMessage, O extends DescMessage> {
  /** Run around the call. */
  readonly interceptors: readonly Interceptor[];
  /** Ends the call, whoever made it. */
  readonly signal: AbortSignal | undefined;
  /** Deadline in milliseconds; undefined for none. */
  readonly timeoutMs: number | undefined;
  readonly request: Omit<StreamRequest<I, O>, "message" | "signal">;
  readonly messages: AsyncIterable<MessageInitShape<I>>;
  /** Sends the request; resolves when there are headers. */
  readonly send: (request: StreamRequest<I, O>) => Promise<StreamResponse<I, O>>;
}

/**
 * Runs a streaming call: Connect's `runStreamingCall`, except for calls that
 * somebody watches already, whose messages go straight through.
 */
export function runStream<I extends DescMessage, O extends DescMessage>(
  call: StreamCall<I, O>,
): Promise<StreamResponse<I, O>> {
  const { interceptors, signal, timeoutMs, request, messages, send } = call;
  if (signal !== undefined && isWatched(request.contextValues, signal) && interceptors.length === 0) {
    return send({ ...request, signal, message: whole<I>(request.method.input, messages) });
  }
  const run = (own: AbortSignal | undefined): Promise<StreamResponse<I, O>> =>
    runStreamingCall<I, O>({
      interceptors: [...interceptors],
      ...(own === undefined ? {} : { signal: own }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      req: { ...request, message: messages },
      next: send,
    });
  return keepProgress(signal, run, true);
}

/** Whole messages of what callers give, which may be parts of messages. */
function whole<I extends DescMessage>(
  desc: I,
  messages: AsyncIterable<MessageInitShape<I>>,
): AsyncIterable<MessageShape<I>> {
  return {
    [Symbol.asyncIterator]() {
      const from = messages[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await from.next();
          return result.done === true ? result : { done: false, value: create(desc, result.value) };
        },
        return: (value?: unknown) => from.return?.(value) ?? Promise.resolve({ done: true, value }),
        throw: (error?: unknown) => from.throw?.(error) ?? Promise.reject(error),
      } as AsyncIterator<MessageShape<I>>;
    },
  };
}
