import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { createServiceImplSpec } from "@connectrpc/connect";
import type { Interceptor, MethodImplSpec, ServiceImpl } from "@connectrpc/connect";
import { maxTimerMs } from "../async/sleep.ts";
import type { Codec } from "../codec/codec.ts";
import { defaultChannels } from "../component/channels.ts";
import type { Component } from "../component/component.ts";
import { methodInfo } from "../contract/method.ts";
import { handlerFactory } from "../protocol/handlers.ts";
import type { Hosted, HostedMethod, RequestGate } from "../protocol/hosted.ts";
import type { Route } from "../protocol/node-handler.ts";
import type { RestOptions } from "../protocol/rest/options.ts";
import { restBindings } from "../protocol/rest/rule.ts";
import type { RestBinding } from "../protocol/rest/rule.ts";
import { restHandler } from "../protocol/rest/server.ts";
import { RestTrie } from "../protocol/rest/trie.ts";
import type { RestMatch } from "../protocol/rest/trie.ts";
import type { TimeoutBounds } from "../protocol/timeout.ts";
import type { ServerLimits } from "./options.ts";

/** What {@link Host.add} needs besides the service. */
export interface ServiceOptions {
  readonly channels: readonly string[];
  readonly interceptors: readonly Interceptor[];
  readonly requestGate?: RequestGate | undefined;
  readonly rest?: RestOptions | undefined;
}

/** Everything that a process serves: the same methods for each wire and for `local`. */
export class Host implements Hosted {
  readonly #limits: ServerLimits;
  readonly #codecs: readonly Codec[];
  readonly #shutdown: AbortSignal;
  readonly #methods = new Map<string, HostedMethod>();
  readonly #routes = new Map<string, Route>();
  readonly #restRoutes = new RestTrie<Route>();
  readonly #restBindings: RestBinding[] = [];
  readonly #services = new Map<string, DescService>();

  /** @param codecs formats that the Connect protocol understands here */
  constructor(limits: ServerLimits, codecs: readonly Codec[], shutdown: AbortSignal) {
    this.#limits = limits;
    this.#codecs = codecs;
    this.#shutdown = shutdown;
  }

  /** Adds the services of a component, behind what goes before its own interceptors. */
  addComponent(component: Component, before: readonly Interceptor[]): void {
    const { channels, requestGate, rest } = component;
    const interceptors = [...before, ...component.interceptors];
    for (const { service, implementation } of component.services) {
      // `implement` tied the two together when both had their types.
      this.add(service, implementation as Partial<ServiceImpl<DescService>>, {
        channels,
        interceptors,
        requestGate,
        rest,
      });
    }
  }

  /** Adds one service. */
  add<S extends DescService>(
    service: S,
    implementation: Partial<ServiceImpl<S>>,
    options: ServiceOptions = { channels: defaultChannels, interceptors: [] },
  ): void {
    const handlerOf = handlerFactory({
      ...options,
      codecs: this.#codecs,
      readMaxBytes: this.#limits.readMaxBytes,
      writeMaxBytes: this.#limits.writeMaxBytes,
      shutdownSignal: this.#shutdown,
    });
    for (const spec of Object.values(createServiceImplSpec(service, implementation).methods)) {
      const { path } = methodInfo(spec.method);
      const { interceptors, requestGate } = options;
      const shutdown = this.#shutdown;
      const hosted = { spec, interceptors, requestGate, shutdown };
      this.#methods.set(path, hosted);
      const bounds = this.#bounds(spec);
      if (options.channels.includes("rest")) this.#addRest(hosted, bounds, options.rest ?? {});
      const handler = handlerOf(spec);
      if (handler === undefined) continue;
      this.#routes.set(`/${path}`, { handler, bounds, shutdown });
    }
    this.#services.set(service.typeName, service);
  }

  find(method: DescMethod): HostedMethod | undefined {
    return this.#methods.get(methodInfo(method).path);
  }

  #addRest(hosted: HostedMethod, bounds: TimeoutBounds, rest: RestOptions): void {
    const { readMaxBytes, writeMaxBytes } = this.#limits;
    for (const binding of restBindings(hosted.spec.method)) {
      const handler = restHandler(hosted, binding, { rest, readMaxBytes, writeMaxBytes });
      this.#restRoutes.add(binding, { handler, bounds, shutdown: hosted.shutdown });
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

  /** A unary call always has a deadline; a stream has what its caller or contract gives it. */
  #bounds(spec: MethodImplSpec): TimeoutBounds {
    const contractMs = methodInfo(spec.method).timeoutMs;
    if (spec.kind !== "unary") return { defaultMs: contractMs, maxMs: maxTimerMs };
    return {
      defaultMs: contractMs ?? this.#limits.defaultTimeoutMs,
      maxMs: Math.max(this.#limits.maxTimeoutMs, contractMs ?? 0),
    };
  }
}
