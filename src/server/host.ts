import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { createServiceImplSpec } from "@connectrpc/connect";
import type { Interceptor, MethodImplSpec, ServiceImpl } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { maxTimerMs } from "../async/sleep.ts";
import type { Component } from "../component/component.ts";
import { defaultChannels } from "../component/component.ts";
import { methodInfo } from "../contract/method.ts";
import { handlerFactory } from "../protocol/handlers.ts";
import type { Hosted, HostedMethod } from "../protocol/hosted.ts";
import type { TimeoutBounds } from "../protocol/timeout.ts";
import type { ServerLimits } from "./options.ts";

/** A method as the wires reach it. */
export interface Route {
  readonly handler: UniversalHandler;
  /** Deadlines that callers may have. */
  readonly bounds: TimeoutBounds;
}

/** What {@link Host.add} needs besides the service. */
export interface ServiceOptions {
  readonly channels: readonly string[];
  readonly interceptors: readonly Interceptor[];
}

/** Everything that a process serves: the same methods for each wire and for `local`. */
export class Host implements Hosted {
  readonly #limits: ServerLimits;
  readonly #shutdown: AbortSignal;
  readonly #methods = new Map<string, HostedMethod>();
  readonly #routes = new Map<string, Route>();
  readonly #services = new Map<string, readonly string[]>();

  constructor(limits: ServerLimits, shutdown: AbortSignal) {
    this.#limits = limits;
    this.#shutdown = shutdown;
  }

  /** Adds the services of a component, behind its guard. */
  addComponent(component: Component, guard: Interceptor): void {
    const interceptors = [guard, ...component.interceptors];
    for (const { service, implementation } of component.services) {
      // `implement` tied the two together when both had their types.
      this.add(service, implementation as Partial<ServiceImpl<DescService>>, { channels: component.channels, interceptors });
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
      readMaxBytes: this.#limits.readMaxBytes,
      writeMaxBytes: this.#limits.writeMaxBytes,
      shutdownSignal: this.#shutdown,
    });
    for (const spec of Object.values(createServiceImplSpec(service, implementation).methods)) {
      const { path } = methodInfo(spec.method);
      this.#methods.set(path, { spec, interceptors: options.interceptors });
      this.#routes.set(`/${path}`, { handler: handlerOf(spec), bounds: this.#bounds(spec) });
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
