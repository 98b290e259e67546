import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

const limitMs = 60_000;

/** A script in `aspyx/` as a process that answers each line on its stdin with a line, both JSON. */
export class PythonProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #ended: Promise<void>;

  constructor(python: string, script: string, ...args: readonly string[]) {
    const child = spawn(python, [join(import.meta.dirname, "aspyx", script), ...args], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    });
    this.#child = child;
    // A write to a process that is gone is seen as the end of its answers.
    child.stdin.on("error", () => {});
    this.#answers = createInterface(child.stdout)[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => {
      child.once("close", () => { resolve(); });
    });
  }

  /** The next line. Rejects when it tells of an error, and when the process ends or takes too long. */
  async read<T>(): Promise<T> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), limitMs);
    const { value, done } = await this.#answers.next();
    clearTimeout(timer);
    if (done === true) throw new Error("the Python process ended");
    const answer = JSON.parse(value) as T & { readonly error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  /** Asks one thing at a time. */
  ask<T>(order: object): Promise<T> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    return this.read();
  }

  /** Lets the process end by itself, and ends it when it does not. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3_000);
    this.#child.stdin?.end();
    await this.#ended;
    clearTimeout(timer);
  }
}
