import { Agenda } from "./agenda.ts";

/** What stands in for a timer of Node: the mesh's code asks for no more of it. */
class VirtualTimer {
  active = true;

  unref(): this {
    return this;
  }

  ref(): this {
    return this;
  }
}

const real = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, random: Math.random };

/**
 * Time that passes only from one event to the next. While it is installed, the
 * timers, `performance.now` and `Math.random` of the whole process are its own,
 * so that the mesh's code runs on it as it is, and each run of a seed is the
 * same. Only one can be installed.
 */
export class VirtualTime implements Disposable {
  readonly #agenda = new Agenda();
  readonly #random: () => number;
  #nowMs = 0;
  /** Whether promises may have been settled whose followers should run before time passes. */
  #unsettled = true;

  /** @param random chance for all that takes `Math.random` */
  constructor(random: () => number) {
    this.#random = random;
    this.#install();
  }

  /** The moment that it is, in milliseconds from the start. */
  readonly now = (): number => this.#nowMs;

  /** Does something later. */
  after(ms: number, run: () => void): void {
    this.#agenda.add(this.#nowMs + ms, run);
  }

  /** Does something at a moment. */
  at(atMs: number, run: () => void): void {
    this.#agenda.add(Math.max(atMs, this.#nowMs), run);
  }

  /** Lets what waits for promises run before the next event. */
  settle(): void {
    this.#unsettled = true;
  }

  /** Lets time pass until a moment. */
  async run(untilMs: number): Promise<void> {
    for (;;) {
      if (this.#unsettled) {
        this.#unsettled = false;
        await settled();
        continue;
      }
      if (this.#agenda.nextMs > untilMs) break;
      const entry = this.#agenda.take();
      if (entry === undefined) break;
      this.#nowMs = entry.atMs;
      entry.run();
    }
    this.#nowMs = untilMs;
  }

  /** Gives the process its own time back. */
  [Symbol.dispose](): void {
    globalThis.setTimeout = real.setTimeout;
    globalThis.clearTimeout = real.clearTimeout;
    globalThis.setInterval = real.setInterval;
    globalThis.clearInterval = real.clearInterval;
    Math.random = real.random;
    Reflect.deleteProperty(performance, "now");
  }

  #install(): void {
    if (globalThis.setTimeout !== real.setTimeout) throw new Error("another virtual time is installed");
    const clear = (timer: unknown): void => {
      if (timer instanceof VirtualTimer) timer.active = false;
    };
    globalThis.setTimeout = ((run: () => void, ms = 0) => this.#timer(run, ms, false)) as unknown as typeof setTimeout;
    globalThis.setInterval = ((run: () => void, ms = 0) => this.#timer(run, ms, true)) as unknown as typeof setInterval;
    globalThis.clearTimeout = clear;
    globalThis.clearInterval = clear;
    Math.random = this.#random;
    Object.defineProperty(performance, "now", { value: this.now, configurable: true, writable: true });
  }

  #timer(run: () => void, ms: number, again: boolean): VirtualTimer {
    const timer = new VirtualTimer();
    const due = (): void => {
      if (!timer.active) return;
      run();
      this.settle();
      if (again) this.after(ms, due);
    };
    this.after(ms, due);
    return timer;
  }
}

/** All promises that can settle now have settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    real.setImmediate(resolve);
  });
}
