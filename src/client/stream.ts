import type { Interceptor, StreamResponse, Transport } from "@connectrpc/connect";
import { runStreamingCall } from "@connectrpc/connect/protocol";
import { watch } from "../protocol/stream/watched.ts";
import type { CallRouter } from "./call-router.ts";
import type { Attempt } from "./call.ts";
import { explainDeadline } from "./deadline.ts";
import { releasedBy } from "./released-by.ts";
import { peek, replay } from "./replay.ts";
import { repetitionHeader, requestBase } from "./request-base.ts";

/** Calls that stream, in whichever directions. */
export function streamCalls(
  router: CallRouter,
  interceptors: readonly Interceptor[],
): Transport["stream"] {
  return async (method, signal, timeoutMs, header, input, contextValues) => {
    type I = typeof method.input;
    type O = typeof method.output;
    const started = router.start(method, timeoutMs, contextValues);
    const { limitMs, left, values } = started;
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
        const messages = replay(peeked?.messages ?? req.message);
        const attempt: Attempt<StreamResponse<I, O>> = async ({ transport, peer }, _signal, previous) => {
          watch(values, req.signal);
          const offer = messages.offer();
          const sent = repetitionHeader(req.header, previous);
          const answer = await transport.stream(method, req.signal, left(), sent, offer, values);
          // The call goes on until its signal aborts, which it always does at the end.
          peer.hold();
          req.signal.addEventListener("abort", () => { peer.release(); }, { once: true });
          return { ...answer, message: releasedBy(answer.message, req.signal) };
        };
        const repeatable = (): boolean => !messages.started();
        return router.run(started, { signal: req.signal, message: peeked?.first, attempt, repeatable });
      },
    }).then(
      // An interceptor may have answered without a call.
      (answer) => (ends === undefined ? answer : { ...answer, message: releasedBy(answer.message, ends) }),
      (error: unknown) => {
        throw explainDeadline(error, limitMs, started.obstacle);
      },
    );
  };
}
