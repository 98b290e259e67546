import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { Interceptor, Transport, UnaryResponse } from "@connectrpc/connect";
import { runUnaryCall } from "@connectrpc/connect/protocol";
import { plainResponse } from "../protocol/unary/response.ts";
import type { Before } from "./call.ts";
import type { CallRouter } from "./call-router.ts";
import { explainDeadline } from "./deadline.ts";
import type { Member } from "./member.ts";
import type { MethodRoute } from "./method-route.ts";
import { repetitionHeader, requestBase } from "./request-base.ts";

/** How a caller wants one call made: what Connect hands to a transport. */
interface UnaryInit<I extends DescMessage> {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: HeadersInit | undefined;
  readonly message: MessageInitShape<I>;
  readonly contextValues: Parameters<Transport["unary"]>[5];
}

/** How a unary call is made, and what comes of it. */
export type UnaryCall<T> = (...call: Parameters<Transport["unary"]>) => Promise<T>;

/**
 * Unary calls. One that wants nothing unusual goes straight to its peer, whose
 * transport looks after the deadline; only when that fails, or when there are
 * interceptors, is there a signal, a plan and another attempt.
 *
 * @param fastPath whether that short way may be taken
 * @param take what is made of an answer
 */
export function unaryCalls<T>(
  router: CallRouter,
  interceptors: readonly Interceptor[],
  fastPath: boolean,
  take: (answer: UnaryResponse) => T,
): UnaryCall<T> {
  const short = fastPath && interceptors.length === 0;
  const general = makeGeneral(router, interceptors);
  return (method, signal, timeoutMs, header, message, contextValues) => {
    const init = { signal, timeoutMs, header, message, contextValues };
    let begunMs = 0;
    let limitMs = 0;
    let route: MethodRoute | undefined;
    let member: Member | undefined;
    try {
      const usual = short && contextValues === undefined && (timeoutMs === undefined || timeoutMs > 0);
      route = usual ? router.quick(method) : undefined;
      member = route?.pick();
      if (route === undefined || member?.transport.endsAtDeadline !== true) {
        return general(method, init, { picked: member }).then(take);
      }
      begunMs = performance.now();
      limitMs = router.timeoutMs(route.policy, timeoutMs, begunMs);
    } catch (error) {
      // What the contract, a balancer or a deadline has against the call, as a promise tells it.
      return Promise.reject(ConnectError.from(error));
    }
    const { guard } = route;
    const to = member;
    guard.called(begunMs);
    to.begin();
    return to.transport.unary(method, signal, limitMs, header, message).then(
      (answer) => {
        to.end(begunMs, performance.now(), undefined);
        guard.succeeded();
        return take(answer);
      },
      (thrown: unknown) => {
        const error = ConnectError.from(thrown);
        to.end(begunMs, performance.now(), error);
        return general(method, init, { failed: { member: to, error } }, begunMs).then(take);
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
        router.run(started, {
          signal: req.signal,
          message: req.message,
          attempt: async ({ transport }, ends, previous) => {
            const sent = repetitionHeader(req.header, previous);
            return plainResponse(await transport.unary(method, ends, left(), sent, req.message, values));
          },
          before,
        }),
    }).catch((error: unknown) => {
      throw explainDeadline(error, limitMs, started.obstacle);
    });
  };
}
