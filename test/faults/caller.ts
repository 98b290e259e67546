import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { surroundings } from "./server.ts";
import type { SurroundingsOrder } from "./surroundings.ts";

const script = join(import.meta.dirname, "caller-process.ts");

/** What a calling process is started with. */
export interface CallerInit {
  readonly servers: ReadonlyArray<{ readonly id: string; readonly address: string }>;
  /** Calls a second, of the method that may be repeated. */
  readonly perSecond: number;
  /** Addresses of host names at first; null for one that does not exist. */
  readonly hosts?: Readonly<Record<string, string | null>> | undefined;
  /** Whether deadlines and latencies are measured by the wall clock, as they should not be. Default false. */
  readonly wallClock?: boolean | undefined;
}

/** What it is asked: about the calls that began at a time of its `performance.now()`, or later. */
export type CallerOrder = { readonly ask: number; readonly fromMs: number } | SurroundingsOrder;

/** What it answers. */
export interface CallerReport {
  readonly answer: number;
  /** What its `performance.now()` is. */
  readonly nowMs: number;
  /** Calls that ended. */
  readonly sent: number;
  readonly failed: number;
  readonly slowestMs: number;
  /** The share that each server answered, from 0 to 1. */
  readonly shares: Readonly<Record<string, number>>;
  /** What failed calls said. */
  readonly messages: readonly string[];
  /** Events `peer.ejected` since the start. */
  readonly ejected: number;
  /** Events `peer.lost` since the start. */
  readonly lost: number;
  /** Look-ups of the host names that were ordered, since the start. */
  readonly lookups: number;
  /** Least and most of what the client expects calls to take. */
  readonly leastExpectedMs: number;
  readonly mostExpectedMs: number;
}

/** A process that calls at a fixed rate, in surroundings that obey. Disposing kills it. */
export class Caller implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #asked = new Map<number, (report: CallerReport) => void>();
  #asks = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("exit", resolve));
    child.on("message", (report: CallerReport) => this.#asked.get(report.answer)?.(report));
  }

  /** Starts one and waits until it calls. */
  static async start(init: CallerInit): Promise<Caller> {
    const args = ["--import", surroundings, script, JSON.stringify(init)];
    const caller = new Caller(spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit", "ipc"] }));
    await new Promise<void>((resolve, reject) => {
      caller.#child.once("message", () => { resolve(); });
      caller.#child.once("error", reject);
      void caller.#ended.then(() => {
        reject(new Error("the calling process ended before it was ready"));
      });
    });
    return caller;
  }

  /** What came of its calls that began at a time of its own clock, or later. Default: of all. */
  report(fromMs: number = 0): Promise<CallerReport> {
    const ask = ++this.#asks;
    return new Promise((resolve) => {
      this.#asked.set(ask, resolve);
      this.#child.send({ ask, fromMs } satisfies CallerOrder);
    });
  }

  /** Changes what surrounds it. */
  surround(order: SurroundingsOrder): void {
    this.#child.send(order);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
