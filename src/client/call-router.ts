import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { ContextValues } from "@connectrpc/connect";
import type { Channel } from "../channel/channel.ts";
import type { Policy } from "../contract/policy.ts";
import { meshError } from "../error.ts";
import { propagatedMs } from "../resilience/deadline.ts";
import { Call } from "./call.ts";
import type { Attempting, Before } from "./call.ts";
import { callTimeoutMs, explainDeadline, explainEnd, remaining } from "./deadline.ts";
import { explained, Explanation } from "./explanation.ts";
import type { MethodRoute } from "./method-route.ts";
import type { Member } from "./member.ts";
import { perCallOptions, policyOf } from "./options.ts";
import type { ChannelPreference, ClientOptions, PerCallOptions } from "./options.ts";
import type { ClientRuntime } from "./runtime.ts";
import { ServiceRoute } from "./service-route.ts";
import type { ClientPlan } from "./service-route.ts";
import { callSettings } from "./settings.ts";

/** One call as far as all kinds of calls are alike. */
export interface Started {
  readonly route: MethodRoute;
  /** The deadline in milliseconds, from the beginning of the call. */
  readonly limitMs: number;
  /** What is left of the deadline, in milliseconds. */
  readonly left: () => number;
  readonly values: ContextValues;
  readonly own: PerCallOptions;
  readonly policy: Policy;
  /** What the call waits for; explains a deadline that ended meanwhile. */
  obstacle: ConnectError | undefined;
}

/** What {@link CallRouter.run} needs to make attempts. */
export interface Attempts<T> extends Attempting<T> {
  /** Ends the call: its deadline, or its caller. */
  readonly signal: AbortSignal;
  /** The request, when there is only one. */
  readonly message?: Message | undefined;
  /** What was picked or tried before. Default nothing. */
  readonly before?: Before | undefined;
}

/** Finds peers for the calls of one client, with the client's options over those of the mesh. */
export class CallRouter {
  readonly #runtime: ClientRuntime;
  readonly #plan: ClientPlan;
  readonly #preference: ChannelPreference | undefined;
  readonly #services = new Map<DescService, ServiceRoute>();
  readonly #methods = new Map<DescMethod, MethodRoute>();

  /** Throws a configuration error for options that make no sense. */
  constructor(runtime: ClientRuntime, options: ClientOptions) {
    this.#runtime = runtime;
    this.#preference = options.channel ?? runtime.settings.channel;
    // A wrong name is an error here, not at the first call.
    if (this.#preference !== undefined) runtime.channels(this.#preference);
    this.#plan = { runtime, ...callSettings(options, runtime.settings), balancer: options.balancer };
  }

  /** Looks at all methods of a service, so that what does not fit is an error now. */
  check(service: DescService): void {
    for (const method of service.methods) this.route(method);
  }

  /** How calls to a method are made. */
  route(method: DescMethod): MethodRoute {
    let route = this.#methods.get(method);
    if (route === undefined) this.#methods.set(method, (route = this.#service(method).method(method)));
    return route;
  }

  /** The route of a call that may go straight to its peer; undefined when it needs more. */
  quick(method: DescMethod): MethodRoute | undefined {
    if (this.#runtime.closed || explained()) return undefined;
    const route = this.route(method);
    return route.plain ? route : undefined;
  }

  /**
   * The deadline of a call in milliseconds: no longer than that of the handler
   * that makes it. Throws `deadline_exceeded` when it is over already.
   *
   * @param begunMs when the call began
   */
  timeoutMs(policy: Policy, ofCall: number | undefined, begunMs: number): number {
    const own = callTimeoutMs(ofCall, policy);
    const left = this.#runtime.settings.callers.leftMs();
    if (left === undefined) return own;
    return propagatedMs(own, performance.now() + left, begunMs) ?? own;
  }

  /** Begins a call. Throws `deadline_exceeded` when its deadline is over already. */
  start(
    method: DescMethod,
    timeoutMs: number | undefined,
    values: ContextValues = createContextValues(),
    begunMs: number = performance.now(),
  ): Started {
    const route = this.route(method);
    const own = perCallOptions(values);
    const policy = this.#policy(route, own);
    const limitMs = this.timeoutMs(policy, timeoutMs, begunMs);
    return { route, limitMs, left: remaining(limitMs, begunMs), values, own, policy, obstacle: undefined };
  }

  /** Makes a call's attempts, each at a peer that suits it. */
  async run<T>(started: Started, attempts: Attempts<T>): Promise<T> {
    if (this.#runtime.closed) throw closed();
    const { method, guard, local } = started.route;
    const channels = this.#channels(local !== undefined, started.own.channel);
    const explanation = explained() ? new Explanation(method, started.limitMs, guard) : undefined;
    try {
      const answer = await (local !== undefined && channels[0]?.name === "local"
        ? locally(local, attempts, started.limitMs, explanation)
        : this.#remotely(started, attempts, channels, explanation));
      // A stream tells when it is over.
      if (attempts.course === undefined) explanation?.tell(undefined);
      return answer;
    } catch (thrown) {
      const error = explainDeadline(thrown, started.limitMs, started.obstacle);
      explanation?.tell(error);
      throw error;
    }
  }

  async #remotely<T>(
    started: Started,
    { signal, message, before, ...attempting }: Attempts<T>,
    channels: readonly Channel[],
    explanation: Explanation | undefined,
  ): Promise<T> {
    const { route, policy, left, limitMs } = started;
    if (before?.failed === undefined) route.guard.called(performance.now());
    const hashKey = message === undefined ? undefined : policy.hashKey?.(message);
    const call = new Call({ route, policy, channels, hashKey, signal, limitMs, left, explanation }, route.cluster());
    try {
      return await call.run(attempting, before);
    } finally {
      started.obstacle = call.obstacle;
    }
  }

  /** The policy of a call, worked out anew only for one that asks for something of its own. */
  #policy(route: MethodRoute, own: PerCallOptions): Policy {
    const { policy, method } = route;
    const { retry, hedging, hashKey, waitForReady } = own;
    if (retry !== undefined || hedging !== undefined || hashKey !== undefined) {
      return this.#service(method).policy(method, policyOf(own));
    }
    return waitForReady === undefined ? policy : { ...policy, waitForReady };
  }

  #channels(hosted: boolean, own: ChannelPreference | undefined): readonly Channel[] {
    return this.#runtime.channels(own ?? this.#preference ?? (hosted ? "local" : "protobuf"));
  }

  #service({ parent: service }: DescMethod): ServiceRoute {
    let route = this.#services.get(service);
    if (route === undefined) {
      const local = this.#runtime.local(service);
      route = new ServiceRoute(service, this.#plan, local, () => this.#channels(local !== undefined, undefined)[0]);
      this.#services.set(service, route);
    }
    return route;
  }
}

/** The short way: nothing to find, nothing to balance, nothing that can get lost. */
async function locally<T>(
  local: Member,
  { attempt, course, signal, before }: Attempts<T>,
  limitMs: number,
  explanation: Explanation | undefined,
): Promise<T> {
  if (before?.failed !== undefined) throw before.failed.error;
  const note = explanation?.attempt(local, "first", [local], undefined);
  try {
    const answer = await attempt(local, signal, 0);
    if (course === undefined) {
      note?.ended(undefined, "answered");
      return answer;
    }
    void course(answer).over.then((error) => {
      note?.ended(error, error === undefined ? "answered" : "local");
      explanation?.tell(error && explainEnd(error, limitMs));
    });
    return answer;
  } catch (error) {
    note?.ended(ConnectError.from(error), "local");
    throw error;
  }
}

function closed(): ConnectError {
  return meshError(Code.Unavailable, "MESH_CLOSED", "the mesh is closed; make calls before mesh.close()");
}
