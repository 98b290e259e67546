import { Code } from "@connectrpc/connect";
import { sleep } from "../async/sleep.ts";
import type { HealthStatus } from "../contract/instance.ts";
import { errorText, meshError } from "../error.ts";
import { HealthWarning, type HealthCheck } from "./check.ts";

/** What one check found out. */
export interface CheckResult {
  /** Name of the check. */
  readonly name: string;
  readonly status: HealthStatus;
  /** How long the check ran, in milliseconds. */
  readonly durationMs: number;
  /** When the check ended or timed out, in milliseconds since 1970. */
  readonly checkedAt: number;
  /** Why the status is not `ok`. */
  readonly message?: string | undefined;
}

/** The health of a component: the worst status of its checks, and all of them. */
export interface HealthReport {
  /** Worst status of the checks; `ok` when there are none. */
  readonly status: HealthStatus;
  /** One result for each check, in the order in which the checks were given. */
  readonly checks: readonly CheckResult[];
}

/** Options of {@link HealthReporter}. */
export interface HealthReporterOptions {
  /**
   * The monotonic clock that measures durations and the age of results, in
   * milliseconds. Default `performance.now`. Time-outs use real timers.
   */
  readonly now?: (() => number) | undefined;
}

/**
 * Runs the checks of a component and puts their results together.
 *
 * - The checks run in parallel, and each of them at most once at a time:
 *   reports that overlap share the running check.
 * - A finished result is used again for the check's `cacheMs`; one that is not
 *   finished never is.
 * - A check that takes longer than `failIfSlowerThanMs` is an `error` at that
 *   moment. Its signal aborts, and what it still does is ignored. It is not
 *   started again before it has ended.
 * - A check that throws is a result like any other: it never breaks the report.
 */
export class HealthReporter {
  readonly #runners: readonly CheckRunner[];

  constructor(checks: readonly HealthCheck[], options: HealthReporterOptions = {}) {
    const now = options.now ?? (() => performance.now());
    this.#runners = checks.map((check) => new CheckRunner(check, now));
  }

  /**
   * The health now. Rejects only with the signal's reason, when the signal
   * aborts; the checks go on for other callers.
   */
  async report(signal?: AbortSignal): Promise<HealthReport> {
    signal?.throwIfAborted();
    const checks = await untilAborted(
      Promise.all(this.#runners.map((runner) => runner.result())),
      signal,
    );
    return { status: worst(checks.map((check) => check.status)), checks };
  }
}

/** The worst of some statuses: `error` before `warning` before `ok`; `ok` when there are none. */
export function worst(statuses: readonly HealthStatus[]): HealthStatus {
  if (statuses.includes("error")) return "error";
  return statuses.includes("warning") ? "warning" : "ok";
}

interface Outcome {
  readonly status: HealthStatus;
  readonly message?: string;
}

class CheckRunner {
  readonly #check: HealthCheck;
  readonly #now: () => number;
  /** The run that reports wait for. It ends at the time-out at the latest. */
  #running: Promise<CheckResult> | undefined;
  #finished: { readonly result: CheckResult; readonly atMs: number } | undefined;
  /** Start of a run that timed out and has not ended yet. */
  #hanging: { readonly startedMs: number; readonly startedAt: number } | undefined;

  constructor(check: HealthCheck, now: () => number) {
    this.#check = check;
    this.#now = now;
  }

  result(): Promise<CheckResult> {
    if (this.#running !== undefined) return this.#running;
    const finished = this.#finished;
    if (finished !== undefined && this.#now() - finished.atMs < this.#check.cacheMs) {
      return Promise.resolve(finished.result);
    }
    // A second run beside one that hangs would hang as well, and they would pile up.
    if (this.#hanging !== undefined) {
      const since = new Date(this.#hanging.startedAt).toISOString();
      const message = `still running since ${since}; it is not started again before it ends`;
      return Promise.resolve(
        this.#toResult({ status: "error", message }, this.#now() - this.#hanging.startedMs),
      );
    }
    this.#running = this.#run();
    return this.#running;
  }

  async #run(): Promise<CheckResult> {
    const { run, failIfSlowerThanMs } = this.#check;
    const start = { startedMs: this.#now(), startedAt: Date.now() };
    const stop = new AbortController();
    const ended: Promise<Outcome> = Promise.resolve()
      .then(() => run(stop.signal))
      .then((): Outcome => ({ status: "ok" }), failed);

    const clock = new AbortController();
    const timedOut = sleep(failIfSlowerThanMs, clock.signal).then(() => undefined);
    const outcome = await Promise.race([ended, timedOut]);
    clock.abort();

    const atMs = this.#now();
    const durationMs = atMs - start.startedMs;
    const slow = `took longer than ${failIfSlowerThanMs} ms`;
    // A check that blocks the event loop ends before the timer can fire.
    const late = durationMs > failIfSlowerThanMs && outcome?.status !== "error";
    const result = this.#toResult(
      outcome === undefined || late ? { status: "error", message: slow } : outcome,
      durationMs,
    );
    this.#finished = { result, atMs };
    this.#running = undefined;
    if (outcome === undefined) {
      this.#hanging = start;
      void ended.finally(() => {
        this.#hanging = undefined;
      });
      stop.abort(
        meshError(
          Code.DeadlineExceeded,
          "DEADLINE_EXCEEDED",
          `health check ${this.#check.name} ${slow}`,
        ),
      );
    }
    return result;
  }

  #toResult(outcome: Outcome, durationMs: number): CheckResult {
    return { name: this.#check.name, durationMs, checkedAt: Date.now(), ...outcome };
  }
}

function failed(error: unknown): Outcome {
  return {
    status: error instanceof HealthWarning ? "warning" : "error",
    message: textOf(error),
  };
}

/** The text of anything thrown, with its causes: `fetch failed` alone would say nothing. */
function textOf(error: unknown, depth = 0): string {
  try {
    const text = errorText(error);
    const causes = depth < 3 ? causesOf(error) : [];
    const why = causes.map((cause) => textOf(cause, depth + 1)).join("; ");
    if (text === "") return why === "" ? "failed without a message" : why;
    return text.includes(why) ? text : `${text}: ${why}`;
  } catch {
    return "failed with something that has no text";
  }
}

function causesOf(error: unknown): readonly unknown[] {
  // Node's error for a host that refuses on all its addresses: no message, no cause.
  if (error instanceof AggregateError) return error.errors;
  return error instanceof Error && error.cause !== undefined ? [error.cause] : [];
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      reject(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
    void promise.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", aborted);
    });
  });
}
