import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { createServiceImplSpec } from "@connectrpc/connect";
import type { Interceptor, MethodImplSpec, ServiceImpl } from "@connectrpc/connect";
import { maxTimerMs } from "../async/sleep.ts";
import type { Codec } from "../codec/codec.ts";
import { defaultChannels } from "../component/channels.ts";
import type { Component } from "../component/component.ts";
import { mergePolicy } from "../contract/merge-policy.ts";
import { methodInfo } from "../contract/method.ts";
import type { ConcurrencyPolicy } from "../contract/policy.ts";
import type { Callers } from "../protocol/callers.ts";
import { handlerFactory } from "../protocol/handlers.ts";
import type { Hosted, HostedMethod, RequestGate } from "../protocol/hosted.ts";
import type { Route } from "../protocol/node-handler.ts";
import type { RestOptions } from "../protocol/rest/options.ts";
import { restRoute } from "../protocol/rest/unary-route.ts";
import { restBindings } from "../protocol/rest/rule.ts";
import type { RestBinding } from "../protocol/rest/rule.ts";
import { restHandler } from "../protocol/rest/server.ts";
import { RestTrie } from "../protocol/rest/trie.ts";
import type { RestMatch } from "../protocol/rest/trie.ts";
import type { TimeoutBounds } from "../protocol/timeout.ts";
import type { CallGuard } from "../protocol/unary/form.ts";
import { invoker } from "../protocol/unary/invoke.ts";
import { unaryRoute } from "../protocol/unary/route.ts";
import { RunningCalls } from "../protocol/unary/running-calls.ts";
import type { Places } from "../protocol/unary/running-calls.ts";
import { limiterOf } from "../resilience/limiter.ts";
import { guarded } from "./guard.ts";
import type { ServerLimits } from "./options.ts";
import { MethodPlaces } from "./places.ts";
import type { Capacity, OwnLimit } from "./places.ts";
import type { Tracker } from "./tracker.ts";

/** What {@link Host.add} needs besides the service. */
export interface ServiceOptions {
  readonly channels: readonly string[];
  readonly interceptors: readonly Interceptor[];
  readonly requestGate?: RequestGate | undefined;
  readonly rest?: RestOptions | undefined;
  /** Around each call, before the interceptors. Default none. */
  readonly guard?: CallGuard | undefined;
  /** Bounds the calls of all methods together. Default none. */
  readonly limit?: OwnLimit | undefined;
}

/** How a {@link Host} serves. */
export interface HostOptions {
  readonly limits: ServerLimits;
  /** Formats that the Connect protocol understands here. */
  readonly codecs: readonly Codec[];
  /** Ends running calls when it aborts, with its reason. */
  readonly shutdown: AbortSignal;
  /** Counts the calls that run. */
  readonly tracker: Tracker;
  /** Whether unary calls may go the short way. */
  readonly fastPath: boolean;
  /** Told which handler runs. Default: nobody wants to know. */
  readonly callers?: Callers | undefined;
  /** Bounds the calls from outside the process. Default: as the limits say. */
  readonly concurrency?: ConcurrencyPolicy | undefined;
}

/** Everything that a process serves: the same methods for each wire and for `local`. */
export class Host implements Hosted {
  readonly #options: HostOptions;
  readonly #running: RunningCalls;
  readonly #capacity: Capacity;
  readonly #methods = new Map<string, HostedMethod>();
  readonly #routes = new Map<string, Route>();
  readonly #restRoutes = new RestTrie<Route>();
  readonly #restBindings: RestBinding[] = [];
  readonly #services = new Map<string, DescService>();

  constructor(options: HostOptions) {
    this.#options = options;
    this.#running = new RunningCalls(options.shutdown, options.tracker);
    const { maxRunningCalls, maxConnectionCalls, maxConcurrentStreams } = options.limits;
    this.#capacity = {
      running: 0,
      maxCalls: maxRunningCalls,
      maxConnectionCalls: maxConnectionCalls ?? maxConcurrentStreams,
      limiter: limiterOf(options.concurrency),
    };
  }

  /** Adds the services of a component, behind its guard and what goes before its own interceptors. */
  addComponent(component: Component, guard: CallGuard, before: readonly Interceptor[]): void {
    const { channels, concurrency, requestGate, rest } = component;
    const limiter = limiterOf(concurrency);
    const limit = limiter && { refusal: `the component ${component.name} has as many running calls as it may`, limiter };
    const interceptors = [...before, ...component.interceptors];
    for (const { service, implementation } of component.services) {
      // `implement` tied the two together when both had their types.
      this.add(service, implementation as Partial<ServiceImpl<DescService>>, {
        channels,
        interceptors,
        requestGate,
        rest,
        guard,
        limit,
      });
    }
  }

  /** Adds one service. */
  add<S extends DescService>(
    service: S,
    implementation: Partial<ServiceImpl<S>>,
    options: ServiceOptions = { channels: defaultChannels, interceptors: [] },
  ): void {
    const { limits, codecs, shutdown, tracker, fastPath, callers } = this.#options;
    const { channels, guard, requestGate, rest = {} } = options;
    const { readMaxBytes, writeMaxBytes } = limits;
    const places = new Map<DescMethod, Places>();
    const interceptors =
      guard === undefined
        ? options.interceptors
        : [guarded(guard, tracker, (method) => places.get(method)), ...options.interceptors];
    const wires = { channels, codecs, interceptors, requestGate, readMaxBytes, writeMaxBytes };
    const handlerOf = handlerFactory({ ...wires, shutdownSignal: shutdown });
    for (const bare of Object.values(createServiceImplSpec(service, implementation).methods)) {
      const spec = callers?.around(bare) ?? bare;
      const { path } = methodInfo(spec.method);
      const bounds = this.#bounds(spec);
      // What has no guard is the mesh's own, such as health: it answers under any load.
      if (guard !== undefined) places.set(spec.method, this.#places(spec.method, options.limit));
      const unary =
        spec.kind === "unary" && fastPath
          ? {
              method: spec.method,
              invoke: invoker(spec, options.interceptors),
              gate: requestGate,
              guard,
              bounds,
              running: this.#running,
              places: places.get(spec.method),
            }
          : undefined;
      const hosted = { spec, interceptors, requestGate, shutdown, unary };
      this.#methods.set(path, hosted);
      if (channels.includes("rest")) this.#addRest(hosted, bounds, rest);
      const handler = handlerOf(spec);
      if (handler === undefined) continue;
      this.#routes.set(`/${path}`, {
        handler,
        bounds,
        shutdown,
        unary: unary === undefined ? undefined : unaryRoute(unary, wires),
      });
    }
    this.#services.set(service.typeName, service);
  }

  find(method: DescMethod): HostedMethod | undefined {
    return this.#methods.get(methodInfo(method).path);
  }

  #addRest(hosted: HostedMethod, bounds: TimeoutBounds, rest: RestOptions): void {
    const { readMaxBytes, writeMaxBytes } = this.#options.limits;
    for (const binding of restBindings(hosted.spec.method)) {
      const options = { rest, readMaxBytes, writeMaxBytes };
      const handler = restHandler(hosted, binding, options);
      const { shutdown, unary: method } = hosted;
      const unary = method === undefined ? undefined : restRoute(method, binding, options);
      this.#restRoutes.add(binding, { handler, bounds, shutdown, unary });
      this.#restBindings.push(binding);
    }
  }

  /** Where a REST request goes, or what its path takes instead; undefined when no rule has the path. */
  restRoute(method: string, path: string): RestMatch<Route> | undefined {
    return this.#restRoutes.match(method, path);
  }

  /** All REST bindings that are served. */
  restBindings(): readonly RestBinding[] {
    return this.#restBindings;
  }

  /** The route of a request path. */
  route(path: string): Route | undefined {
    return this.#routes.get(path);
  }

  /** Descriptors of the services. */
  descriptors(): readonly DescService[] {
    return [...this.#services.values()];
  }

  /** Full names of the services. */
  services(): readonly string[] {
    return [...this.#services.keys()];
  }

  /** Names of the methods of a service; undefined when it is not here. */
  methods(service: string): readonly string[] | undefined {
    return this.#services.get(service)?.methods.map(({ name }) => name);
  }

  #places(method: DescMethod, ofComponent: OwnLimit | undefined): Places {
    const limiter = limiterOf(mergePolicy(method).concurrency);
    const ofMethod = limiter && { refusal: `${methodInfo(method).path} runs as often as it may`, limiter };
    return new MethodPlaces(this.#capacity, [ofComponent, ofMethod].filter((one) => one !== undefined));
  }

  /** A unary call always has a deadline; a stream has what its caller or contract gives it. */
  #bounds(spec: MethodImplSpec): TimeoutBounds {
    const { limits } = this.#options;
    const { timeoutMs } = methodInfo(spec.method);
    // A timer that is told more than it holds ends at once.
    const contractMs = timeoutMs === undefined ? undefined : Math.min(timeoutMs, maxTimerMs);
    if (spec.kind !== "unary") return { defaultMs: contractMs, maxMs: maxTimerMs };
    return {
      defaultMs: contractMs ?? limits.defaultTimeoutMs,
      maxMs: Math.max(limits.maxTimeoutMs, contractMs ?? 0),
    };
  }
}
