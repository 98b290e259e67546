import type { DescMessage, DescMethod, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { Interceptor, Transport, UnaryResponse } from "@connectrpc/connect";
import { runUnaryCall } from "@connectrpc/connect/protocol";
import type { CallInfo } from "../balancer/balancer.ts";
import { plainResponse } from "../protocol/unary/response.ts";
import { endOf } from "./attempt-end.ts";
import type { Before } from "./call.ts";
import type { CallRouter } from "./call-router.ts";
import { explainDeadline } from "./deadline.ts";
import { requestBase } from "./request-base.ts";

/** How a caller wants one call made: what Connect hands to a transport. */
interface UnaryInit<I extends DescMessage> {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: HeadersInit | undefined;
  readonly message: MessageInitShape<I>;
  readonly contextValues: Parameters<Transport["unary"]>[5];
}

/**
 * Unary calls. One that wants nothing unusual goes straight to its peer, whose
 * transport looks after the deadline; only when that fails, or when there are
 * interceptors, is there a signal, a plan and another attempt.
 *
 * @param fastPath whether that short way may be taken
 */
export function unaryCalls(
  router: CallRouter,
  interceptors: readonly Interceptor[],
  fastPath: boolean,
): Transport["unary"] {
  const short = fastPath && interceptors.length === 0;
  const infos = new WeakMap<DescMethod, CallInfo>();
  const infoOf = (method: DescMethod): CallInfo => {
    let info = infos.get(method);
    if (info === undefined) {
      info = { method };
      infos.set(method, info);
    }
    return info;
  };
  const general = makeGeneral(router, interceptors);
  return (method, signal, timeoutMs, header, message, contextValues) => {
    const init = { signal, timeoutMs, header, message, contextValues };
    const usual = short && contextValues === undefined && (timeoutMs === undefined || timeoutMs > 0);
    const peer = usual ? router.quick(infoOf(method)) : undefined;
    if (peer?.transport.endsAtDeadline !== true) return general(method, init, { picked: peer });
    const begunMs = performance.now();
    const limitMs = router.timeoutMs(method, timeoutMs);
    peer.begin();
    return peer.transport.unary(method, signal, limitMs, header, message).then(
      (answer) => {
        peer.end(begunMs, performance.now(), "answered");
        peer.answered();
        return answer;
      },
      (thrown: unknown) => {
        const error = ConnectError.from(thrown);
        peer.end(begunMs, performance.now(), endOf(error));
        return general(method, init, { failed: { peer, error } }, begunMs);
      },
    );
  };
}

function makeGeneral(router: CallRouter, interceptors: readonly Interceptor[]) {
  return async <I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    { signal, timeoutMs, header, message, contextValues }: UnaryInit<I>,
    before?: Before,
    begunMs?: number,
  ): Promise<UnaryResponse<I, O>> => {
    const started = router.start(method, timeoutMs, contextValues, begunMs);
    const { limitMs, left, values } = started;
    return runUnaryCall<I, O>({
      interceptors: [...interceptors],
      ...(signal === undefined ? {} : { signal }),
      timeoutMs: before?.failed === undefined ? limitMs : left(),
      req: { stream: false, ...requestBase(method, header, values), message },
      next: (req) =>
        router.run(method, started, {
          signal: req.signal,
          attempt: async ({ transport }) =>
            plainResponse(
              await transport.unary(method, req.signal, left(), req.header, req.message, values),
            ),
          before,
        }),
    }).catch((error: unknown) => {
      throw explainDeadline(error, limitMs, started.obstacle);
    });
  };
}
