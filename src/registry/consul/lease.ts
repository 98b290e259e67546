import { fullJitter } from "../../async/backoff.ts";
import { sleep } from "../../async/sleep.ts";
import type { HealthStatus, Instance } from "../../contract/instance.ts";
import { publish, type MeshEvents } from "../../events.ts";
import type { Lease } from "../registry.ts";
import type { ConsulClient } from "./client.ts";
import { type ServiceDefinition, serviceDefinition } from "./encode.ts";
import { release } from "./release.ts";
import type { Settings } from "./options.ts";
import type { Tuning } from "./tuning.ts";

/** Consul keeps 4 KiB of a check's output; the detail also travels in a query string. */
const maxDetail = 512;

/** What a lease is made of. */
export interface LeaseInit {
  readonly instance: Instance;
  readonly client: ConsulClient;
  readonly settings: Settings;
  readonly tuning: Tuning;
  /** Token of the first registration. */
  readonly token: string | undefined;
  /** Called when the instance is gone from the agent, or given up. */
  readonly released: () => void;
}

/**
 * Keeps one instance registered: heartbeats (or, when Consul itself checks the
 * instance, looks), registers again what the agent has forgotten, and tries
 * for as long as it takes while the agent is gone.
 */
export class ConsulLease implements Lease {
  readonly #init: LeaseInit;
  /** Ends the loop; a request on the way is finished first. */
  readonly #closing = new AbortController();
  /** Ends that request as well. */
  readonly #closed = new AbortController();
  readonly #loop: Promise<void>;
  #released: Promise<void> | undefined;
  #token: string | undefined;
  #health: HealthStatus;
  #detail: string | undefined;
  /** Whether the agent is believed to hold the registration. */
  #held = true;
  /** Whether listeners were told that the instance was lost. */
  #lost = false;
  #pause = new AbortController();
  /** Callers of {@link setHealth} that wait for the next beat. */
  #waiting: Array<() => void> = [];

  constructor(init: LeaseInit) {
    this.#init = init;
    this.#token = init.token;
    this.#health = init.instance.health;
    this.#publish("registered");
    this.#loop = this.#run();
  }

  /**
   * Sets the health. With a `ttl` check it is sent at once, and the promise
   * resolves when that was tried: a failure is made good by the heartbeats.
   * With other checks Consul asks the instance itself.
   */
  async setHealth(health: HealthStatus, detail?: string): Promise<void> {
    this.#health = health;
    this.#detail = detail;
    if (this.#init.settings.check.kind !== "ttl" || this.#closing.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#pause.abort();
    });
  }

  /** Deregisters. Takes 3 seconds at most and never rejects; Consul removes what was left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#released ??= this.#release();
    return this.#released;
  }

  async #release(): Promise<void> {
    const { client, tuning } = this.#init;
    this.#closing.abort();
    this.#pause.abort();
    const over = AbortSignal.timeout(tuning.releaseMs);
    // A registration on the way must not overtake the removal, so it may end
    // first. An agent that hangs gets only half of the time for that.
    await Promise.race([this.#loop, sleep(tuning.releaseMs / 2, over)]);
    this.#closed.abort();
    await this.#loop;
    const error = await release(this.#definition(), client, tuning, over);
    this.#init.released();
    this.#publish("released", error);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    let beatAt = performance.now();
    while (!signal.aborted) {
      await this.#sleep(failures);
      if (signal.aborted) break;
      const waiting = this.#waiting;
      this.#waiting = [];
      try {
        if (await this.#beat()) {
          failures = 0;
          beatAt = performance.now();
          if (this.#lost) this.#publish("renewed");
          this.#lost = false;
        }
      } catch (error) {
        failures += 1;
        if (this.#isOverdue(beatAt)) this.#lose(error);
      }
      for (const resolve of waiting) resolve();
    }
    for (const resolve of this.#waiting) resolve();
  }

  /** Pauses until the next beat is due, or {@link setHealth} has something to send. */
  async #sleep(failures: number): Promise<void> {
    if (this.#waiting.length > 0) return;
    const { settings, tuning } = this.#init;
    const { check, verifyMs } = settings;
    const everyMs = check.kind === "ttl" ? check.heartbeatMs : verifyMs;
    const ms =
      failures === 0
        ? everyMs * (0.9 + 0.2 * tuning.random())
        : fullJitter(tuning.leaseBackoff, failures - 1, tuning.random);
    this.#pause = new AbortController();
    await sleep(ms, this.#pause.signal);
  }

  /** Resolves to false when the lease is closing and so was not renewed. */
  async #beat(): Promise<boolean> {
    const { client } = this.#init;
    const service = this.#definition();
    // The agent writes the registration to the servers with the token that it
    // came with, so a new token must reach it.
    if (this.#held && (await client.token(this.#closed.signal)) === this.#token) {
      if (await this.#isKnown(service)) return true;
      this.#held = false;
      this.#lose(undefined);
      await sleep(this.#init.tuning.rejoinMs * this.#init.tuning.random(), this.#closing.signal);
      if (this.#closing.signal.aborted) return false;
    }
    this.#token = await client.register(this.#definition(), this.#closed.signal);
    this.#held = true;
    return true;
  }

  #isKnown(service: ServiceDefinition): Promise<boolean> {
    const { client, settings } = this.#init;
    const { signal } = this.#closed;
    return settings.check.kind === "ttl"
      ? client.report(service, this.#health, (this.#detail ?? "").slice(0, maxDetail), signal)
      : client.holds(service.Name, service.ID, signal);
  }

  #definition(): ServiceDefinition {
    const { instance, settings } = this.#init;
    return serviceDefinition({ ...instance, health: this.#health }, settings);
  }

  /** Whether Consul has taken the instance as critical for want of heartbeats. */
  #isOverdue(beatAt: number): boolean {
    const { check } = this.#init.settings;
    return check.kind === "ttl" && performance.now() - beatAt > check.ttlMs;
  }

  #lose(error: unknown): void {
    if (!this.#lost) this.#publish("lost", error);
    this.#lost = true;
  }

  #publish(state: MeshEvents["registry.lease"]["state"], error?: unknown): void {
    publish("registry.lease", () => ({
      registry: "consul",
      instance: { ...this.#init.instance, health: this.#health },
      state,
      ...(error === undefined ? {} : { error }),
    }));
  }
}
