import { exponential, sources } from "./random.ts";
import type { Random } from "./random.ts";
import { SimClient } from "./sim-client.ts";
import type { SimClientInit } from "./sim-client.ts";
import { SimInstance } from "./sim-instance.ts";
import type { SimInstanceInit } from "./sim-instance.ts";
import { VirtualTime } from "./virtual-time.ts";

/** Chance and time of the balancers of a {@link World}, as their options take them. */
export interface Sources {
  readonly random: Random;
  readonly now: () => number;
}

/**
 * Instances, a client that calls them, and the time in which both live. The
 * same seed gives the same world, event by event.
 */
export class World implements Disposable {
  readonly time: VirtualTime;
  readonly instances: SimInstance[] = [];
  readonly client: SimClient;
  readonly #source: () => Random;
  readonly #arrivals: Random;
  #started = 0;

  /** @param init the client, given the chance and time of its balancer */
  constructor(seed: number, init: (sources: Sources) => SimClientInit) {
    this.#source = sources(seed);
    this.#arrivals = this.#source();
    this.time = new VirtualTime(this.#source());
    this.client = new SimClient(init({ random: this.#source(), now: this.time.now }), this.time, this.#source());
  }

  /** Starts instances and tells the client of all that there are. */
  start(count: number, init: (at: number) => SimInstanceInit): readonly SimInstance[] {
    const started = Array.from({ length: count }, (_, at) => {
      const id = `i${String(this.#started++).padStart(5, "0")}`;
      return new SimInstance(id, init(at), this.time, this.#source());
    });
    this.instances.push(...started);
    this.client.learn(this.instances);
    return started;
  }

  /** Takes an instance out of what the client knows. */
  forget(gone: SimInstance): void {
    this.instances.splice(this.instances.indexOf(gone), 1);
    this.client.learn(this.instances);
  }

  /** Calls at random moments, so many a second on average, whether or not earlier ones were answered. */
  async load(perSecond: number, untilMs: number): Promise<void> {
    const pause = exponential(1_000 / perSecond);
    const next = (): void => {
      const inMs = pause(this.#arrivals);
      if (this.time.now() + inMs >= untilMs) return;
      this.time.after(inMs, () => {
        this.client.call();
        next();
      });
    };
    next();
    await this.time.run(untilMs);
  }

  /** Lets the calls that run come to their end. */
  async end(): Promise<void> {
    await this.time.run(this.time.now() + 10_000);
  }

  [Symbol.dispose](): void {
    this.client.close();
    this.time[Symbol.dispose]();
  }
}
