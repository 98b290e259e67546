import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { Order } from "./worker.ts";

/** How a {@link WorkerProcess} is started. */
export interface WorkerOptions {
  /** Options of Node, such as `--expose-gc`. */
  readonly execArgv?: readonly string[] | undefined;
}

/** One side of a contender as a process: what it is asked, it answers, one thing at a time. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor({ execArgv = [] }: WorkerOptions = {}) {
    this.#child = fork(join(import.meta.dirname, "worker.ts"), {
      stdio: "inherit",
      execArgv: [...execArgv],
      env: { ...process.env, NODE_COMPILE_CACHE: join(import.meta.dirname, "../.cache/node-compile") },
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once("exit", () => { resolve(); });
    });
  }

  /** Rejects when the process fails at it, ends, or takes longer than a time in milliseconds. */
  ask<T>(order: Order, limitMs = 60_000): Promise<T> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        child.off("exit", gone);
        child.off("message", answered);
      };
      const fail = (why: string): void => {
        done();
        reject(new Error(why));
      };
      const gone = (): void => { fail(`the process ended at ${JSON.stringify(order)}`); };
      const answered = ({ answer, error }: { answer: T; error?: string }): void => {
        if (error !== undefined) {
          fail(error);
          return;
        }
        done();
        resolve(answer);
      };
      const timer = setTimeout(() => { fail(`no answer to ${JSON.stringify(order)} in ${limitMs} ms`); }, limitMs);
      child.once("exit", gone);
      child.once("message", answered);
      if (child.connected) child.send(order);
      else gone();
    });
  }

  /** Lets the process end by itself, and ends it when it does not. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3_000);
    if (this.#child.connected) await Promise.race([this.ask({ do: "close" }), this.#ended]).catch(() => {});
    await this.#ended;
    clearTimeout(timer);
  }
}
