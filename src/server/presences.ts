import { sleep } from "../async/sleep.ts";
import type { Component } from "../component/component.ts";
import { instance } from "../contract/instance.ts";
import { worst } from "../health/report.ts";
import type { HealthReport } from "../health/report.ts";
import type { HealthComponent } from "../health/http.ts";
import { ServingStatuses } from "../health/serving.ts";
import type { Registry } from "../registry/registry.ts";
import { Presence } from "./presence.ts";

/** A hosted component and the id of its instance. */
export interface HostedComponent {
  readonly component: Component;
  readonly id: string;
}

/** What others can see of all components of a process, kept up to date. */
export class Presences {
  /** What the gRPC health service answers. */
  readonly statuses: ServingStatuses = new ServingStatuses("NOT_SERVING");
  readonly #hosted: readonly HostedComponent[];
  readonly #all: readonly Presence[];
  readonly #stop = new AbortController();
  /** Whether the process as a whole takes calls. */
  #open = false;

  constructor(hosted: readonly HostedComponent[], registry: Registry) {
    this.#hosted = hosted;
    this.#all = hosted.map(({ component }) => new Presence(component, registry, this.statuses));
  }

  /** The health of all components now; the worst wins. */
  async report(signal?: AbortSignal): Promise<HealthReport> {
    const reports = await Promise.all(this.#all.map((presence) => presence.report(signal)));
    return {
      status: worst(reports.map(({ status }) => status)),
      checks: reports.flatMap(({ checks }) => checks),
    };
  }

  /** The components as the health endpoints show them. */
  components(): readonly HealthComponent[] {
    return this.#all.map((presence) => ({
      name: presence.component.name,
      version: presence.component.version,
      state: presence.component.state,
      report: (signal) => presence.report(signal),
    }));
  }

  /** Registers every component that serves. Rejects when the registry refuses one for good. */
  async announce(address: string, signal?: AbortSignal): Promise<void> {
    const stop = this.#stop.signal;
    const either = signal === undefined ? stop : AbortSignal.any([stop, signal]);
    await Promise.all(
      this.#all.map((presence, at) => {
        const id = this.#hosted[at]?.id ?? presence.component.name;
        return presence.announce(describe(presence.component, id, address), either);
      }),
    );
  }

  /** Opens the process as a whole, and runs the checks every `intervalMs` from now on. */
  async open(intervalMs: number): Promise<void> {
    this.#open = true;
    await this.refresh();
    void this.#watch(intervalMs);
  }

  /** Brings all that others see up to date. After {@link withdraw} that is what it was set to. */
  async refresh(): Promise<void> {
    const { signal } = this.#stop;
    try {
      await Promise.all(this.#all.map((presence) => presence.refresh(signal)));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (signal.aborted) return;
    const serving = this.#open && this.#all.every((presence) => presence.serving);
    this.statuses.set("", serving ? "SERVING" : "NOT_SERVING");
  }

  /** Takes everything out of health and the registry; waits no longer than the signal. */
  async withdraw(signal: AbortSignal): Promise<void> {
    this.#open = false;
    this.statuses.shutdown();
    this.#stop.abort();
    await Promise.all(this.#all.map((presence) => presence.withdraw(signal)));
  }

  async #watch(intervalMs: number): Promise<void> {
    const { signal } = this.#stop;
    while (await sleep(intervalMs, signal)) {
      await this.refresh();
      await Promise.all(this.#all.map((presence) => presence.retry(signal)));
    }
  }
}

function describe(of: Component, id: string, address: string): ReturnType<typeof instance> {
  return instance({
    id,
    component: of.name,
    version: of.version,
    services: of.services.map(({ service }) => service.typeName),
    channels: Object.fromEntries(of.channels.map((name) => [name, address])),
    weight: of.weight,
    warningWeight: of.warningWeight,
    zone: of.zone,
    metadata: of.metadata,
  });
}
