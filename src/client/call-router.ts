import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, createContextValues } from "@connectrpc/connect";
import type { ConnectError, ContextValues } from "@connectrpc/connect";
import type { CallInfo } from "../balancer/balancer.ts";
import type { Channel } from "../channel/channel.ts";
import { methodInfo } from "../contract/method.ts";
import { meshError } from "../error.ts";
import { Call } from "./call.ts";
import type { Before } from "./call.ts";
import type { Cluster } from "./cluster.ts";
import { callTimeoutMs, remaining } from "./deadline.ts";
import { perCallOptions } from "./options.ts";
import type { ChannelPreference, ClientOptions } from "./options.ts";
import type { ClientPeer } from "./peer.ts";
import type { ClientRuntime } from "./runtime.ts";

/** Where the calls to one service can go. */
interface Route {
  /** This process, when it hosts the service. */
  readonly local: ClientPeer | undefined;
  /** The instances that the registry knows. Watched from the first call that may leave the process. */
  readonly cluster: () => Cluster;
  /** What calls take that ask for nothing else. */
  readonly channel: Channel | undefined;
}

/** One call as far as all kinds of calls are alike. */
export interface Started {
  /** The deadline in milliseconds, from the beginning of the call. */
  readonly limitMs: number;
  /** What is left of the deadline, in milliseconds. */
  readonly left: () => number;
  readonly values: ContextValues;
  /** What the call waits for; explains a deadline that ended meanwhile. */
  obstacle: ConnectError | undefined;
}

/** What {@link CallRouter.run} needs to make attempts. */
export interface Attempts<T> {
  /** Ends the call: its deadline, or its caller. */
  readonly signal: AbortSignal;
  /** Makes one attempt at a peer. */
  readonly attempt: (peer: ClientPeer) => Promise<T>;
  /** Whether what was already consumed of the request allows another attempt. Default: always. */
  readonly repeatable?: (() => boolean) | undefined;
  /** What was picked or tried before. Default nothing. */
  readonly before?: Before | undefined;
}

/** Finds peers for the calls of one client, with the client's options over those of the mesh. */
export class CallRouter {
  readonly #runtime: ClientRuntime;
  readonly #options: ClientOptions;
  readonly #preference: ChannelPreference | undefined;
  readonly #routes = new Map<DescService, Route>();

  constructor(runtime: ClientRuntime, options: ClientOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.#preference = options.channel ?? runtime.settings.channel;
    // A wrong name is an error here, not at the first call.
    if (this.#preference !== undefined) runtime.channels(this.#preference);
  }

  /** The deadline of a call in milliseconds. Throws `deadline_exceeded` when it is over already. */
  timeoutMs(method: DescMethod, ofCall: number | undefined): number {
    const { timeoutMs } = this.#options;
    return callTimeoutMs(ofCall, timeoutMs, methodInfo(method).timeoutMs, this.#runtime.settings.timeoutMs);
  }

  /** Begins a call. Throws `deadline_exceeded` when its deadline is over already. */
  start(
    method: DescMethod,
    timeoutMs: number | undefined,
    values: ContextValues = createContextValues(),
    begunMs: number = performance.now(),
  ): Started {
    const limitMs = this.timeoutMs(method, timeoutMs);
    return { limitMs, left: remaining(limitMs, begunMs), values, obstacle: undefined };
  }

  /** The peer of a call that wants nothing unusual; undefined when there is none at once. */
  quick(call: CallInfo): ClientPeer | undefined {
    if (this.#runtime.closed) return undefined;
    const { local, cluster, channel } = this.#route(call.method.parent);
    const here = channel?.name === "local" ? local : undefined;
    return here ?? (channel === undefined ? undefined : cluster().pick(channel, call, undefined));
  }

  /** Makes a call's attempts, each at a peer that suits it. */
  async run<T>(method: DescMethod, started: Started, attempts: Attempts<T>): Promise<T> {
    const { settings } = this.#runtime;
    if (this.#runtime.closed) throw closed();
    const { local, cluster } = this.#route(method.parent);
    const own = perCallOptions(started.values);
    const channels = this.#channels(local, own.channel);
    // The short way: nothing to find, nothing to balance, nothing that can get lost.
    if (local !== undefined && channels[0]?.name === "local") {
      if (attempts.before?.failed !== undefined) throw attempts.before.failed.error;
      return attempts.attempt(local);
    }
    const waitForReady = own.waitForReady ?? this.#options.waitForReady ?? settings.waitForReady;
    const { retry } = settings;
    const { signal } = attempts;
    const info = methodInfo(method);
    const call = new Call({ method, info, channels, local, waitForReady, retry, signal }, cluster());
    try {
      return await call.run(attempts.attempt, attempts.repeatable, attempts.before);
    } finally {
      started.obstacle = call.obstacle;
    }
  }

  #channels(local: ClientPeer | undefined, own: ChannelPreference | undefined): readonly Channel[] {
    const fallback = local === undefined ? "protobuf" : "local";
    return this.#runtime.channels(own ?? this.#preference ?? fallback);
  }

  #route(service: DescService): Route {
    let route = this.#routes.get(service);
    if (route === undefined) {
      const local = this.#runtime.local(service);
      let cluster: Cluster | undefined;
      route = {
        local,
        cluster: () => (cluster ??= this.#runtime.cluster(service, this.#options.balancer)),
        channel: this.#channels(local, undefined)[0],
      };
      this.#routes.set(service, route);
    }
    return route;
  }
}

function closed(): ConnectError {
  return meshError(Code.Unavailable, "MESH_CLOSED", "the mesh is closed; make calls before mesh.close()");
}
