import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, createContextValues } from "@connectrpc/connect";
import type { ConnectError, ContextValues, StreamResponse, Transport } from "@connectrpc/connect";
import { runStreamingCall, runUnaryCall } from "@connectrpc/connect/protocol";
import { methodInfo } from "../contract/method.ts";
import { meshError } from "../error.ts";
import { Call } from "./call.ts";
import type { Cluster } from "./cluster.ts";
import { callTimeoutMs, explainDeadline, remaining } from "./deadline.ts";
import { perCallOptions } from "./options.ts";
import type { ClientOptions } from "./options.ts";
import type { ClientPeer } from "./peer.ts";
import { releasedBy } from "./released-by.ts";
import { replay } from "./replay.ts";
import type { ClientRuntime } from "./runtime.ts";

/** Where the calls to one service can go. */
interface Route {
  /** This process, when it hosts the service. */
  readonly local: ClientPeer | undefined;
  /** The instances that the registry knows. Watched from the first call that may leave the process. */
  readonly cluster: () => Cluster;
}

/** One call as far as both kinds of calls are alike. */
interface Started {
  readonly limitMs: number;
  /** What is left of the deadline, in milliseconds. */
  readonly left: () => number;
  readonly values: ContextValues;
  /** What the call waits for; explains a deadline that ended meanwhile. */
  obstacle: ConnectError | undefined;
}

/**
 * A mesh as a Connect `Transport`: picks an instance for each attempt of each
 * call and delegates to that instance's own transport.
 */
export function meshTransport(runtime: ClientRuntime, options: ClientOptions): Transport {
  const { settings } = runtime;
  const interceptors = [...settings.interceptors, ...(options.interceptors ?? [])];
  const preference = options.channel ?? settings.channel;
  // A wrong name is an error here, not at the first call.
  if (preference !== undefined) runtime.channels(preference);
  const routes = new Map<DescService, Route>();

  const routeOf = (service: DescService): Route => {
    let route = routes.get(service);
    if (route === undefined) {
      let cluster: Cluster | undefined;
      route = {
        local: runtime.local(service),
        cluster: () => (cluster ??= runtime.cluster(service, options.balancer)),
      };
      routes.set(service, route);
    }
    return route;
  };

  const start = (
    method: DescMethod,
    timeoutMs: number | undefined,
    values: ContextValues = createContextValues(),
  ): Started => {
    const { timeoutMs: ofContract } = methodInfo(method);
    const limitMs = callTimeoutMs(timeoutMs, options.timeoutMs, ofContract, settings.timeoutMs);
    return { limitMs, left: remaining(limitMs), values, obstacle: undefined };
  };

  /** Makes a call's attempts, each at a peer that suits it. */
  const run = async <T>(
    method: DescMethod,
    started: Started,
    signal: AbortSignal,
    attempt: (peer: ClientPeer) => Promise<T>,
    repeatable?: () => boolean,
  ): Promise<T> => {
    if (runtime.closed) throw closed();
    const { local, cluster } = routeOf(method.parent);
    const own = perCallOptions(started.values);
    const channels = runtime.channels(
      own.channel ?? preference ?? (local === undefined ? "protobuf" : "local"),
    );
    // The short way: nothing to find, nothing to balance, nothing that can get lost.
    if (local !== undefined && channels[0]?.name === "local") return attempt(local);
    const call = new Call(
      {
        method,
        info: methodInfo(method),
        channels,
        local,
        waitForReady: own.waitForReady ?? options.waitForReady ?? settings.waitForReady,
        retry: settings.retry,
        signal,
      },
      cluster(),
    );
    try {
      return await call.run(attempt, repeatable);
    } finally {
      started.obstacle = call.obstacle;
    }
  };

  return {
    async unary(method, signal, timeoutMs, header, message, contextValues) {
      type I = typeof method.input;
      type O = typeof method.output;
      const started = start(method, timeoutMs, contextValues);
      const { limitMs, left, values } = started;
      return runUnaryCall<I, O>({
        interceptors,
        ...(signal === undefined ? {} : { signal }),
        timeoutMs: limitMs,
        req: { stream: false, ...common(method, header, values), message },
        next: (req) =>
          run(method, started, req.signal, ({ transport }) =>
            transport.unary(method, req.signal, left(), req.header, req.message, values),
          ),
      }).catch((error: unknown) => {
        throw explainDeadline(error, limitMs, started.obstacle);
      });
    },

    async stream(method, signal, timeoutMs, header, input, contextValues) {
      type I = typeof method.input;
      type O = typeof method.output;
      const started = start(method, timeoutMs, contextValues);
      const { limitMs, left, values } = started;
      return runStreamingCall<I, O>({
        interceptors,
        ...(signal === undefined ? {} : { signal }),
        timeoutMs: limitMs,
        req: { stream: true, ...common(method, header, values), message: input },
        next: (req) => {
          const messages = replay(req.message);
          const attempt = async (peer: ClientPeer): Promise<StreamResponse<I, O>> => {
            const offer = messages.offer();
            const answer = await peer.transport.stream(method, req.signal, left(), req.header, offer, values);
            // The call goes on until its signal aborts, which it always does at the end.
            peer.inFlight++;
            req.signal.addEventListener("abort", () => peer.inFlight--, { once: true });
            return { ...answer, message: releasedBy(answer.message, req.signal) };
          };
          return run(method, started, req.signal, attempt, () => !messages.started());
        },
      }).catch((error: unknown) => {
        throw explainDeadline(error, limitMs, started.obstacle);
      });
    },
  };
}

function common(
  method: DescMethod,
  header: HeadersInit | undefined,
  contextValues: ContextValues,
): {
  service: DescService;
  method: never;
  requestMethod: string;
  url: string;
  header: Headers;
  contextValues: ContextValues;
} {
  return {
    service: method.parent,
    // Connect's request types tie a method to its kind; the caller's `method` is that kind.
    method: method as never,
    requestMethod: "POST",
    url: `mesh:///${methodInfo(method).path}`,
    header: new Headers(header),
    contextValues,
  };
}

function closed(): ConnectError {
  return meshError(Code.Unavailable, "MESH_CLOSED", "the mesh is closed; make calls before mesh.close()");
}
