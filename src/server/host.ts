import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { createServiceImplSpec } from "@connectrpc/connect";
import type { Interceptor, MethodImplSpec, ServiceImpl } from "@connectrpc/connect";
import { maxTimerMs } from "../async/sleep.ts";
import type { Codec } from "../codec/codec.ts";
import type { Component } from "../component/component.ts";
import { defaultChannels } from "../component/component.ts";
import { methodInfo } from "../contract/method.ts";
import { handlerFactory } from "../protocol/handlers.ts";
import type { Hosted, HostedMethod, RequestGate } from "../protocol/hosted.ts";
import type { Route } from "../protocol/node-handler.ts";
import type { TimeoutBounds } from "../protocol/timeout.ts";
import type { ServerLimits } from "./options.ts";

/** What {@link Host.add} needs besides the service. */
export interface ServiceOptions {
  readonly channels: readonly string[];
  readonly interceptors: readonly Interceptor[];
  readonly requestGate?: RequestGate | undefined;
}

/** Everything that a process serves: the same methods for each wire and for `local`. */
export class Host implements Hosted {
  readonly #limits: ServerLimits;
  readonly #codecs: readonly Codec[];
  readonly #shutdown: AbortSignal;
  readonly #methods = new Map<string, HostedMethod>();
  readonly #routes = new Map<string, Route>();
  readonly #services = new Map<string, readonly string[]>();

  /** @param codecs formats that the Connect protocol understands here */
  constructor(limits: ServerLimits, codecs: readonly Codec[], shutdown: AbortSignal) {
    this.#limits = limits;
    this.#codecs = codecs;
    this.#shutdown = shutdown;
  }

  /** Adds the services of a component, behind its guard. */
  addComponent(component: Component, guard: Interceptor): void {
    const { channels, requestGate } = component;
    const interceptors = [guard, ...component.interceptors];
    for (const { service, implementation } of component.services) {
      // `implement` tied the two together when both had their types.
      this.add(service, implementation as Partial<ServiceImpl<DescService>>, {
        channels,
        interceptors,
        requestGate,
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
      this.#methods.set(path, { spec, interceptors, requestGate, shutdown });
      const handler = handlerOf(spec);
      if (handler === undefined) continue;
      this.#routes.set(`/${path}`, { handler, bounds: this.#bounds(spec), shutdown });
    }
    this.#services.set(service.typeName, service.methods.map(({ name }) => name));
  }

  find(method: DescMethod): HostedMethod | undefined {
    return this.#methods.get(methodInfo(method).path);
  }

  /** The route of a request path. */
  route(path: string): Route | undefined {
    return this.#routes.get(path);
  }

  /** Full names of the services. */
  services(): readonly string[] {
    return [...this.#services.keys()];
  }

  /** Names of the methods of a service; undefined when it is not here. */
  methods(service: string): readonly string[] | undefined {
    return this.#services.get(service);
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
