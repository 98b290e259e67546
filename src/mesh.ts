import { randomBytes } from "node:crypto";
import type { DescService } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { Client, ConnectError, Transport } from "@connectrpc/connect";
import type { FastifyInstance } from "fastify";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as AlphaReflection } from "../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { sleep } from "./async/sleep.ts";
import { unlessAborted } from "./async/unless-aborted.ts";
import { peakEwma } from "./balancer/peak-ewma.ts";
import { builtInChannels } from "./channel/built-in.ts";
import { client } from "./client/client.ts";
import { meshTransport } from "./client/mesh-transport.ts";
import type { ClientOptions } from "./client/options.ts";
import { ClientRuntime } from "./client/runtime.ts";
import { callSettings } from "./client/settings.ts";
import { builtInCodecs } from "./codec/built-in.ts";
import { checkTogether } from "./component/component.ts";
import type { Component } from "./component/component.ts";
import { KnownTypes } from "./contract/types.ts";
import { meshError } from "./error.ts";
import { grpcHealth } from "./health/grpc.ts";
import type { HealthReport } from "./health/report.ts";
import { checkMeshOptions, connectionSettings } from "./mesh-options.ts";
import type { MeshOptions } from "./mesh-options.ts";
import { openapiRoute } from "./openapi/route.ts";
import { Callers } from "./protocol/callers.ts";
import { reflection } from "./reflection/reflection.ts";
import { registryFromEnv } from "./registry/from-env.ts";
import { componentGuard } from "./server/guard.ts";
import { drainOptions, serverLimits } from "./server/options.ts";
import type { DrainOptions } from "./server/options.ts";
import type { Mountable } from "./server/plugin.ts";
import { Presences } from "./server/presences.ts";
import { Server } from "./server/server.ts";
import { componentValidation } from "./validation/component-validation.ts";
import type { ComponentValidation } from "./validation/component-validation.ts";

/** Where a mesh is in its life. */
export type MeshState = "new" | "starting" | "running" | "draining" | "stopped" | "failed";

/** Hosts components and makes clients. Made by {@link createMesh}. */
export class Mesh implements AsyncDisposable, Mountable {
  readonly #ids: ReadonlyMap<Component, string>;
  /** What an Any may hold in text formats: types of the services that are hosted here or called. */
  readonly #types: KnownTypes;
  /** Which handler runs, for the deadline of the calls that it makes. */
  readonly #callers: Callers = new Callers();
  readonly #server: Server;
  readonly #runtime: ClientRuntime;
  readonly #presences: Presences;
  readonly #validation: ComponentValidation;
  readonly #drain: DrainOptions;
  readonly #healthMs: number;
  /** Aborts when the mesh begins to leave, or is closed while it starts. */
  readonly #leaving = new AbortController();
  /** Aborts when whoever closes the mesh does not want to wait. */
  readonly #hurry = new AbortController();
  #state: MeshState = "new";
  #address: string | undefined;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** Use {@link createMesh}. */
  constructor(options: MeshOptions) {
    checkMeshOptions(options);
    const { components = [], registry = registryFromEnv() } = options;
    checkTogether(components);
    const limits = serverLimits(options.limits);
    this.#drain = drainOptions(options.drain);
    this.#healthMs = options.health?.intervalMs ?? 5_000;
    this.#ids = new Map(
      components.map((of) => [of, `${of.name}-${randomBytes(5).toString("hex")}`]),
    );
    const hosted = [...this.#ids].map(([of, id]) => ({ component: of, id }));
    this.#presences = new Presences(hosted, registry);
    const services = components.flatMap((of) => of.services.map(({ service }) => service));
    this.#types = new KnownTypes(services.map(({ file }) => file));
    const { registry: types } = this.#types;
    const codecs = options.codecs ?? builtInCodecs(types);
    this.#server = new Server({
      limits,
      concurrency: options.concurrency,
      codecs,
      fastPath: options.fastPath ?? true,
      callers: this.#callers,
      listen: options.listen,
      http: options.http ?? {},
      cors: options.cors === true ? {} : options.cors === false ? undefined : options.cors,
      health: {
        details: options.health?.details ?? true,
        state: () => this.#state,
        components: () => this.#presences.components(),
        registry: () => this.#runtime.registryDetails(),
      },
      routes: openapiRoute(components, codecs, options.openapi),
    });
    this.#validation = componentValidation(components, options.validate);
    const restTypes = codecs.find(({ type }) => type === "json")?.registry ?? types;
    for (const [of, id] of this.#ids) {
      const rest = { ...of.rest, registry: of.rest.registry ?? restTypes };
      this.#server.host.addComponent({ ...of, rest }, componentGuard(of, id), this.#validation.before(of));
    }
    if (components.length > 0 && (options.reflection ?? process.env["NODE_ENV"] !== "production")) {
      this.#addReflection();
    }
    if (components.length > 0) {
      const refresh = (): Promise<void> => this.#presences.refresh();
      this.#server.host.add(Health, grpcHealth({ statuses: this.#presences.statuses, refresh }));
    }
    this.#runtime = new ClientRuntime({
      registry,
      channels: options.channels ?? builtInChannels(types),
      hosted: this.#server.host,
      connection: connectionSettings(options, limits),
      interceptors: options.interceptors ?? [],
      balancer: options.balancer ?? peakEwma(),
      channel: options.channel,
      ...callSettings(options),
      callers: this.#callers,
      fastPath: options.fastPath ?? true,
      emptyGraceMs: options.emptyGraceMs ?? 10_000,
    });
  }

  /** Where the mesh is in its life. */
  get state(): MeshState {
    return this.#state;
  }

  /**
   * The address that the registry tells others, such as `http://127.0.0.1:8080`.
   * Undefined before `start()`, and without `listen`.
   */
  get address(): string | undefined {
    return this.#address;
  }

  /** The Fastify app on the mesh's port. Add routes and plugins of your own before `start()`. */
  get http(): FastifyInstance {
    return this.#server.http;
  }

  /** Id of a hosted component's instance; undefined for a component of another mesh. */
  instanceId(of: Component): string | undefined {
    return this.#ids.get(of);
  }

  /**
   * A typed client, with the methods of Connect's `createClient`; leaving a
   * stream of answers early cancels its call. Making one never fails because a
   * peer is down: instances are looked up with the first call. It throws a
   * configuration error when options and contract do not fit.
   */
  client<S extends DescService>(service: S, options: ClientOptions = {}): Client<S> {
    this.#types.add(service.file);
    return client(service, meshTransport(this.#runtime, options, service));
  }

  /** The mesh as a Connect `Transport`, for any service. */
  transport(options: ClientOptions = {}): Transport {
    return meshTransport(this.#runtime, options);
  }

  /** The health of all hosted components now; the worst wins. */
  health(signal?: AbortSignal): Promise<HealthReport> {
    return this.#presences.report(signal);
  }

  /**
   * Runs startup hooks in order, listens, and registers every component that
   * serves. Rejects, with everything undone, when one of that fails; a registry
   * that is merely down is tried again later. Calling it again returns the same
   * promise. `close()` ends it: then, and after that, it rejects with `MESH_CLOSED`.
   */
  start(signal?: AbortSignal): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closed("cannot start: it was closed, and a mesh starts once"));
    this.#starting ??= this.#start(signal);
    return this.#starting;
  }

  /**
   * Stops without losing calls: not ready, deregister, wait until callers know,
   * refuse connections, let calls finish, end the rest with `unavailable`, run
   * shutdown hooks in reverse order. Calling it again returns the same promise.
   *
   * @param hurry when it aborts, all waiting is cut short
   */
  close(hurry?: AbortSignal): Promise<void> {
    const cut = (): void => {
      this.#hurry.abort();
    };
    if (hurry?.aborted === true) cut();
    else hurry?.addEventListener("abort", cut, { once: true });
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Mounts the mesh in a Fastify app; see `meshPlugin`. */
  mount(app: FastifyInstance): void {
    this.#server.mount(app);
    app.addHook("onListen", () => this.start());
    app.addHook("preClose", () => this.close());
  }

  #addReflection(): void {
    const { host } = this.#server;
    const { v1, v1alpha } = reflection(() => host.descriptors(), { signal: this.#leaving.signal });
    // What a component implements itself stays.
    if (host.methods(ServerReflection.typeName) === undefined) host.add(ServerReflection, v1);
    if (host.methods(AlphaReflection.typeName) === undefined) host.add(AlphaReflection, v1alpha);
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const leaving = this.#leaving.signal;
    const ends = signal === undefined ? leaving : AbortSignal.any([leaving, signal]);
    this.#state = "starting";
    try {
      await this.#validation.prepare();
      for (const { lifecycle } of this.#ids.keys()) await lifecycle.start(ends);
      ends.throwIfAborted();
      this.#address = await this.#server.listen();
      // Checks and registries are not ours: they may not listen to a signal.
      await unlessAborted(this.#presences.refresh(), ends);
      if (this.#address !== undefined) await unlessAborted(this.#presences.announce(this.#address, ends), ends);
      this.#state = "running";
      await unlessAborted(this.#presences.open(this.#healthMs), ends);
    } catch (error) {
      // Whoever closes it undoes what was done, without losing calls that have come already.
      if (leaving.aborted) throw closed("was closed before it had started", error);
      this.#state = "failed";
      await this.#presences.withdraw(this.#limit(this.#drain.deregisterTimeoutMs));
      await this.#finish(this.#limit(0)).catch(() => {
        // The error that led here tells more.
      });
      throw error;
    }
  }

  async #close(): Promise<void> {
    this.#leaving.abort();
    await this.#starting?.catch(() => {
      // Told to whoever started it.
    });
    if (this.#state === "failed") return;
    // The waits below must not let the process end before the last step.
    const alive = setInterval(() => {}, 60_000);
    try {
      await this.#leave();
    } finally {
      clearInterval(alive);
    }
  }

  async #leave(): Promise<void> {
    const reachable = this.#address !== undefined && this.#ids.size > 0;
    this.#state = "draining";
    for (const { lifecycle } of this.#ids.keys()) lifecycle.drain();
    await this.#presences.withdraw(this.#limit(this.#drain.deregisterTimeoutMs));
    if (reachable) await sleep(this.#drain.drainDelayMs, this.#hurry.signal);
    const grace = this.#limit(this.#drain.graceMs);
    await this.#server.drain(grace);
    await this.#finish(grace);
    this.#state = "stopped";
  }

  /** The end of everything, in order of use. The first failure is thrown after the last step. */
  async #finish(grace: AbortSignal): Promise<void> {
    const steps: Array<() => Promise<void>> = [
      () => this.#server.close(),
      () => this.#runtime.close(grace),
      ...[...this.#ids.keys()].reverse().map(({ lifecycle }) => () => lifecycle.stop(this.#hurry.signal)),
    ];
    const failures: unknown[] = [];
    for (const step of steps) await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  /** A signal that aborts after a time, or when whoever closes the mesh does not want to wait. */
  #limit(ms: number): AbortSignal {
    return AbortSignal.any([AbortSignal.timeout(ms), this.#hurry.signal]);
  }
}

/**
 * Makes a mesh. Throws a configuration error for components that cannot live
 * together; never because something is down.
 */
export function createMesh(options: MeshOptions = {}): Mesh {
  return new Mesh(options);
}

function closed(what: string, cause?: unknown): ConnectError {
  return meshError(Code.FailedPrecondition, "MESH_CLOSED", `the mesh ${what}`, { cause });
}
