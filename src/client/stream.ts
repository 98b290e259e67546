import type { Interceptor, StreamResponse, Transport } from "@connectrpc/connect";
import { runStreamingCall } from "@connectrpc/connect/protocol";
import { watch } from "../protocol/stream/watched.ts";
import type { CallRouter } from "./call-router.ts";
import { explainDeadline } from "./deadline.ts";
import type { ClientPeer } from "./peer.ts";
import { releasedBy } from "./released-by.ts";
import { replay } from "./replay.ts";
import { requestBase } from "./request-base.ts";

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
    return runStreamingCall<I, O>({
      interceptors: [...interceptors],
      ...(signal === undefined ? {} : { signal }),
      timeoutMs: limitMs,
      req: { stream: true, ...requestBase(method, header, values), message: input },
      next: (req) => {
        const messages = replay(req.message);
        const attempt = async (peer: ClientPeer): Promise<StreamResponse<I, O>> => {
          const { transport } = peer;
          watch(values, req.signal);
          const offer = messages.offer();
          const answer = await transport.stream(method, req.signal, left(), req.header, offer, values);
          // The call goes on until its signal aborts, which it always does at the end.
          peer.hold();
          req.signal.addEventListener("abort", () => { peer.release(); }, { once: true });
          return { ...answer, message: releasedBy(answer.message, req.signal) };
        };
        const repeatable = (): boolean => !messages.started();
        return router.run(method, started, { signal: req.signal, attempt, repeatable });
      },
    }).catch((error: unknown) => {
      throw explainDeadline(error, limitMs, started.obstacle);
    });
  };
}
