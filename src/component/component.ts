import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { concurrencyOf } from "../contract/concurrency.ts";
import { functions } from "../contract/kind.ts";
import { checkContract } from "../contract/method.ts";
import type { ConcurrencyPolicy, Some } from "../contract/policy.ts";
import { demand, optionsOf } from "../contract/policy-source.ts";
import { configurationError } from "../error.ts";
import type { HealthCheck } from "../health/check.ts";
import type { RequestGate } from "../protocol/hosted.ts";
import type { RestOptions } from "../protocol/rest/options.ts";
import { offeredChannels } from "./channels.ts";
import type { Binding } from "./implement.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { ComponentState, Hook } from "./lifecycle.ts";

/** Options of {@link component}. */
export interface ComponentOptions {
  /**
   * A DNS label: lower-case letters, digits and inner hyphens, at most 63.
   * Default: the name of the first service in kebab-case (`GreetService` →
   * `greet-service`).
   */
  readonly name?: string | undefined;
  /** Free text. Default `0.0.0`. */
  readonly version?: string | undefined;
  /** What the component serves: at least one service, each once. */
  readonly services: readonly Binding[];
  /**
   * Names of the channels to offer. Default `protobuf`, `json`, `msgpack`,
   * `grpc`, `grpc-web`, and `rest` when a method has a `google.api.http` rule.
   */
  readonly channels?: readonly string[] | undefined;
  /** How REST requests are answered. */
  readonly rest?: RestOptions | undefined;
  /** Health checks. Default none: healthy while running. */
  readonly checks?: readonly HealthCheck[] | undefined;
  /**
   * Runs when a call's headers are there and before its message is read, on
   * every wire; throws to turn the call away. The place for authentication.
   */
  readonly requestGate?: RequestGate | undefined;
  /** Server interceptors, run around each call of the component's services on every wire. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /**
   * Bounds how many calls of all methods run at the same time, besides what the
   * contract says of each. Default: not bounded.
   */
  readonly concurrency?: Some<ConcurrencyPolicy> | undefined;
  /** Runs before the component is reachable. */
  readonly startup?: Hook | undefined;
  /** Runs after its last call has ended. */
  readonly shutdown?: Hook | undefined;
  /** Time for `startup`, in milliseconds. Default 30000. */
  readonly startupTimeoutMs?: number | undefined;
  /** Time for `shutdown`, in milliseconds. Default 10000. */
  readonly shutdownTimeoutMs?: number | undefined;
  /** Share of calls relative to other instances: 1 to 65535. Default 10. */
  readonly weight?: number | undefined;
  /** The same while a check warns: 0 to 65535. Default 1. */
  readonly warningWeight?: number | undefined;
  /** Where this process runs, such as an availability zone. */
  readonly zone?: string | undefined;
  /** Free key-value pairs that the registry carries. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** A deployment unit: services that start, stop and are found together. Made by {@link component}. */
export interface Component {
  readonly name: string;
  readonly version: string;
  readonly services: readonly Binding[];
  readonly channels: readonly string[];
  readonly rest: RestOptions;
  readonly checks: readonly HealthCheck[];
  readonly requestGate: RequestGate | undefined;
  readonly interceptors: readonly Interceptor[];
  readonly concurrency: ConcurrencyPolicy | undefined;
  readonly weight: number;
  readonly warningWeight: number;
  readonly zone: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the component is in its life. */
  readonly state: ComponentState;
  /** Changes the state; for the mesh that hosts the component. */
  readonly lifecycle: Lifecycle;
}

/**
 * Describes a component. Throws a configuration error that names the culprit:
 * an invalid name, no services, a service twice, a weight out of range, or a
 * contract option that makes no sense, such as a wrong `google.api.http` rule.
 */
export function component(options: ComponentOptions): Component {
  const name = options.name ?? defaultName(options.services[0]?.service);
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    throw configurationError(
      `component name "${name}" is not a DNS label: use lower-case letters, digits and inner hyphens, at most 63`,
      { component: name },
    );
  }
  checkServices(name, options.services);
  const { interceptors = [], weight = 10, warningWeight = 1 } = options;
  demand(optionsOf(`component ${name}`), "interceptors", interceptors, functions);
  checkWeight(name, "weight", weight, 1);
  checkWeight(name, "warningWeight", warningWeight, 0);
  const lifecycle = new Lifecycle(name, {
    startup: options.startup,
    shutdown: options.shutdown,
    startupTimeoutMs: options.startupTimeoutMs ?? 30_000,
    shutdownTimeoutMs: options.shutdownTimeoutMs ?? 10_000,
  });
  return {
    name,
    version: options.version ?? "0.0.0",
    services: options.services,
    channels: offeredChannels(name, options.services, options.channels),
    rest: options.rest ?? {},
    checks: options.checks ?? [],
    requestGate: options.requestGate,
    interceptors,
    concurrency: concurrencyOf(options.concurrency, `component ${name}`),
    weight,
    warningWeight,
    zone: options.zone,
    metadata: options.metadata ?? {},
    lifecycle,
    get state() {
      return lifecycle.state;
    },
  };
}

function defaultName(service: DescService | undefined): string {
  return (service?.name ?? "")
    .replaceAll(/([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])/g, "$1$3-$2$4")
    .toLowerCase();
}

function checkServices(name: string, services: readonly Binding[]): void {
  if (services.length === 0) {
    throw configurationError(
      `component ${name} has no services; add implement(Service, implementation)`,
      { component: name },
    );
  }
  const seen = new Set<string>();
  for (const { service } of services) {
    if (seen.has(service.typeName)) {
      throw configurationError(`component ${name} implements ${service.typeName} twice`, {
        component: name,
        service: service.typeName,
      });
    }
    seen.add(service.typeName);
    checkContract(service);
  }
}

function checkWeight(name: string, option: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least && value <= 65_535) return;
  throw configurationError(
    `component ${name}: ${option} must be an integer from ${least} to 65535, not ${value}`,
    { component: name },
  );
}

/** Checks components that share a process. Throws when two share a name or a service. */
export function checkTogether(components: readonly Component[]): void {
  const names = new Set<string>();
  const owners = new Map<string, string>();
  for (const { name, services } of components) {
    if (names.has(name)) {
      throw configurationError(`two components are named ${name}; names are unique in a mesh`, {
        component: name,
      });
    }
    names.add(name);
    for (const { service } of services) {
      const owner = owners.get(service.typeName);
      if (owner !== undefined) {
        throw configurationError(
          `${service.typeName} is implemented by both ${owner} and ${name}; a process serves it once`,
          { component: name, service: service.typeName },
        );
      }
      owners.set(service.typeName, name);
    }
  }
}
