import { Code, ConnectError } from "@connectrpc/connect";
import { unlessAborted } from "../async/unless-aborted.ts";
import type { Component } from "../component/component.ts";
import type { HealthStatus, Instance } from "../contract/instance.ts";
import { errorText } from "../error.ts";
import { publish } from "../events.ts";
import { HealthReporter } from "../health/report.ts";
import type { HealthReport } from "../health/report.ts";
import type { ServingStatuses } from "../health/serving.ts";
import type { Lease, Registry } from "../registry/registry.ts";

/** Refusals that trying again does not change. */
const permanent: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.FailedPrecondition,
]);

/**
 * What others can see of a hosted component: its health, told to the gRPC
 * health service and to the registry, and its lease there. A component is
 * registered only once it serves.
 */
export class Presence {
  readonly component: Component;
  readonly #registry: Registry;
  readonly #statuses: ServingStatuses;
  readonly #reporter: HealthReporter;
  #instance: Instance | undefined;
  #registering: Promise<void> | undefined;
  #lease: Lease | undefined;
  #status: HealthStatus | undefined;

  constructor(component: Component, registry: Registry, statuses: ServingStatuses) {
    this.component = component;
    this.#registry = registry;
    this.#statuses = statuses;
    this.#reporter = new HealthReporter(component.checks);
  }

  /** Whether the component's last report was `ok` or `warning`. */
  get serving(): boolean {
    return this.#status === "ok" || this.#status === "warning";
  }

  /** The component's health now. */
  report(signal?: AbortSignal): Promise<HealthReport> {
    return this.#reporter.report(signal);
  }

  /** Makes a report and tells everybody who should know. Rejects only when the signal aborts. */
  async refresh(signal?: AbortSignal): Promise<void> {
    const { status, checks } = await this.report(signal);
    if (status !== this.#status) {
      publish("health.changed", () => ({
        component: this.component.name,
        from: this.#status,
        to: status,
      }));
    }
    const changed = status !== this.#status;
    this.#status = status;
    for (const { service } of this.component.services) {
      this.#statuses.set(service.typeName, this.serving ? "SERVING" : "NOT_SERVING");
    }
    if (!changed || this.#lease === undefined) return;
    const detail = checks
      .filter((check) => check.status !== "ok")
      .map(({ name, message }) => `${name}: ${message ?? "failed"}`)
      .join("; ");
    await this.#lease.setHealth(status, detail).catch(() => {
      // The registry is away; it hears of it with the next heartbeat or change.
    });
  }

  /**
   * Registers the instance as soon as the component serves. Rejects when the
   * registry refuses for good; other failures are left to {@link retry}.
   */
  async announce(instance: Instance, signal: AbortSignal): Promise<void> {
    this.#instance = instance;
    await this.retry(signal, (error) => {
      if (permanent.has(error.code)) throw error;
    });
  }

  /** Registers what is announced, serves and is not registered yet. */
  async retry(signal: AbortSignal, onError: (error: ConnectError) => void = () => {}): Promise<void> {
    const instance = this.#instance;
    if (instance === undefined || !this.serving || this.#lease !== undefined) return;
    this.#registering ??= this.#register(instance, signal).finally(() => {
      this.#registering = undefined;
    });
    try {
      await this.#registering;
    } catch (error) {
      const failure = ConnectError.from(error);
      publish("registry.lease", () => ({
        registry: this.#registry.name,
        instance,
        state: "lost",
        error: failure,
      }));
      onError(failure);
    }
  }

  /** Takes the component out of the registry and out of health; waits no longer than the signal. */
  async withdraw(signal: AbortSignal): Promise<void> {
    this.#instance = undefined;
    for (const { service } of this.component.services) {
      this.#statuses.set(service.typeName, "NOT_SERVING");
    }
    const leave = async (): Promise<void> => {
      await this.#registering?.catch(errorText);
      const lease = this.#lease;
      this.#lease = undefined;
      await lease?.[Symbol.asyncDispose]();
    };
    await unlessAborted(leave(), signal).catch(() => {
      // A registry that is away must not hold up the stop; the lease runs out there.
    });
  }

  async #register(instance: Instance, signal: AbortSignal): Promise<void> {
    const health = this.#status ?? "ok";
    const lease = await this.#registry.register({ ...instance, health }, signal);
    // Withdrawn meanwhile: the lease must not stay behind.
    if (this.#instance === undefined) await lease[Symbol.asyncDispose]();
    else this.#lease = lease;
  }
}
