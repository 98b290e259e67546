import { Code } from "@connectrpc/connect";
import { unlessAborted } from "../async/unless-aborted.ts";
import { errorText, meshError } from "../error.ts";
import { publish } from "../events.ts";

/** Where a component is in its life. */
export type ComponentState = "VIRGIN" | "STARTING" | "RUNNING" | "DRAINING" | "STOPPED" | "FAILED";

/** Runs once when a component starts or stops. The signal aborts when its time is over. */
export type Hook = (signal: AbortSignal) => void | Promise<void>;

/** The hooks of a component, with their time limits filled in. */
export interface Hooks {
  readonly startup: Hook | undefined;
  readonly shutdown: Hook | undefined;
  /** In milliseconds. */
  readonly startupTimeoutMs: number;
  /** In milliseconds. */
  readonly shutdownTimeoutMs: number;
}

/** What a shutdown hook still has once it is told to hurry, in milliseconds. */
const hurriedMs = 1_000;

/** The state of a component and the only ways to change it. */
export class Lifecycle {
  readonly #component: string;
  readonly #hooks: Hooks;
  #state: ComponentState = "VIRGIN";

  constructor(component: string, hooks: Hooks) {
    this.#component = component;
    this.#hooks = hooks;
  }

  get state(): ComponentState {
    return this.#state;
  }

  /**
   * Runs the startup hook. A hook that fails or takes too long leaves FAILED and
   * rejects. A signal that has aborted before rejects with its reason and changes nothing.
   */
  async start(signal?: AbortSignal): Promise<void> {
    if (this.#state !== "VIRGIN") {
      throw meshError(
        Code.FailedPrecondition,
        "STARTUP_FAILED",
        `component ${this.#component} cannot start: it is ${this.#state}, and a component starts once`,
        { metadata: { component: this.#component } },
      );
    }
    signal?.throwIfAborted();
    this.#to("STARTING");
    try {
      await within(this.#hooks.startup, this.#hooks.startupTimeoutMs, signal);
      this.#to("RUNNING");
    } catch (error) {
      this.#to("FAILED");
      throw meshError(
        Code.Internal,
        "STARTUP_FAILED",
        `component ${this.#component} did not start: ${errorText(error)}`,
        { metadata: { component: this.#component }, cause: error },
      );
    }
  }

  /** From RUNNING to DRAINING: calls still finish, no new ones should come. */
  drain(): void {
    if (this.#state === "RUNNING") this.#to("DRAINING");
  }

  /**
   * Runs the shutdown hook of a component that had started. A hook that fails
   * or takes too long leaves FAILED and rejects.
   *
   * @param hurry when it aborts, the hook's signal does, and the hook has a
   * second at most to end
   */
  async stop(hurry?: AbortSignal): Promise<void> {
    if (this.#state === "VIRGIN") this.#to("STOPPED");
    if (this.#state !== "RUNNING" && this.#state !== "DRAINING") return;
    this.drain();
    try {
      await within(this.#hooks.shutdown, this.#hooks.shutdownTimeoutMs, hurry, hurriedMs);
      this.#to("STOPPED");
    } catch (error) {
      this.#to("FAILED");
      throw meshError(
        Code.Internal,
        "SHUTTING_DOWN",
        `component ${this.#component} did not stop cleanly: ${errorText(error)}`,
        { metadata: { component: this.#component }, cause: error },
      );
    }
  }

  #to(state: ComponentState): void {
    const from = this.#state;
    this.#state = state;
    publish("component.state", () => ({ component: this.#component, from, to: state }));
  }
}

/**
 * Runs a hook; rejects at the time limit or the signal, even when the hook goes on.
 *
 * @param afterMs what the hook still has when the signal aborts, in milliseconds
 */
async function within(
  hook: Hook | undefined,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  afterMs = 0,
): Promise<void> {
  if (hook === undefined) return;
  const limit = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  const end = (ms: number, why: string): void => {
    timers.push(setTimeout(() => {
      limit.abort(new Error(why));
    }, ms));
  };
  const aborted = (): void => {
    if (afterMs === 0) limit.abort(signal?.reason);
    else end(afterMs, `it was told to hurry, and took longer than ${afterMs} ms`);
  };
  end(timeoutMs, `it took longer than ${timeoutMs} ms`);
  if (signal?.aborted === true) aborted();
  else signal?.addEventListener("abort", aborted, { once: true });
  const told = signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal]);
  try {
    await unlessAborted(Promise.resolve(hook(told)), limit.signal);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener("abort", aborted);
  }
}
