import type { DescMessage } from "@bufbuild/protobuf";
import type { ConnectError, Interceptor, StreamResponse, Transport } from "@connectrpc/connect";
import { runStreamingCall } from "@connectrpc/connect/protocol";
import { watch } from "../protocol/stream/watched.ts";
import type { CallRouter } from "./call-router.ts";
import type { Attempt } from "./call.ts";
import { explainDeadline, explainEnd } from "./deadline.ts";
import { peek } from "./peek.ts";
import { releasedBy } from "./released-by.ts";
import { Replay } from "./replay.ts";
import { repetitionHeader, requestBase } from "./request-base.ts";
import { follow } from "./stream-course.ts";
import type { Course } from "./stream-course.ts";

/** An answer that goes on. */
type Streamed<I extends DescMessage, O extends DescMessage> = StreamResponse<I, O> & { readonly course: Course };

/**
 * Calls that stream, in whichever directions. An attempt that fails before its
 * answer begins may be followed by another, which is sent all messages again;
 * so may one whose failure comes together with the headers of the answer, as
 * over protocols that have their errors at the end of the body.
 */
export function streamCalls(
  router: CallRouter,
  interceptors: readonly Interceptor[],
): Transport["stream"] {
  return async (method, signal, timeoutMs, header, input, contextValues) => {
    type I = typeof method.input;
    type O = typeof method.output;
    const started = router.start(method, timeoutMs, contextValues);
    const { limitMs, left, values } = started;
    const failure = (error: unknown): ConnectError => explainEnd(error, limitMs);
    let ends: AbortSignal | undefined;
    return runStreamingCall<I, O>({
      interceptors: [...interceptors],
      ...(signal === undefined ? {} : { signal }),
      timeoutMs: limitMs,
      req: { stream: true, ...requestBase(method, header, values), message: input },
      next: async (req) => {
        ends = req.signal;
        const { hashKey } = started.policy;
        const peeked = hashKey === undefined ? undefined : await peek(req.message);
        const messages = new Replay(peeked?.messages ?? req.message);
        const attempt: Attempt<Streamed<I, O>> = async ({ transport }, _signal, previous) => {
          watch(values, req.signal);
          const sent = repetitionHeader(req.header, previous);
          const answer = await transport.stream(method, req.signal, left(), sent, messages.offer(), values);
          const course = follow(answer.message, req.signal, () => signal?.aborted === true);
          const failed = await inThisTurn(course.first);
          if (failed !== undefined) throw failed;
          messages.commit();
          return { ...answer, message: course.messages, course };
        };
        return router.run(started, {
          signal: req.signal,
          message: peeked?.first,
          attempt,
          repeatable: () => messages.repeatable,
          course: (answer) => answer.course,
        });
      },
    }).then(
      // An interceptor may have answered without a call.
      (answer) => (ends === undefined ? answer : { ...answer, message: releasedBy(answer.message, ends, failure) }),
      (error: unknown) => {
        throw explainDeadline(error, limitMs, started.obstacle);
      },
    );
  };
}

/** What a promise resolves to within this turn of the event loop: what has come already, and no more. */
function inThisTurn(promise: Promise<ConnectError | undefined>): Promise<ConnectError | undefined> {
  return Promise.race([promise, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);
}
