import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

const script = join(import.meta.dirname, "../fixtures/greeter-process.ts");

/** A running greeter process, registered in a Consul agent. */
export class GreeterProcess implements AsyncDisposable {
  readonly id: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  private constructor(child: ChildProcess, id: string, ended: Promise<number | null>) {
    this.#child = child;
    this.id = id;
    this.#ended = ended;
  }

  /** Starts one and waits until it is registered. */
  static async start(address: string, drainDelayMs: number = 1_500): Promise<GreeterProcess> {
    const child = spawn(process.execPath, [script, JSON.stringify({ address, drainDelayMs })], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    for await (const line of createInterface({ input: child.stdout })) {
      const id = /^ready \S+ (\S+)$/.exec(line)?.[1];
      if (id !== undefined) return new GreeterProcess(child, id, ended);
    }
    throw new Error(`the greeter ended with code ${await ended} before it was ready`);
  }

  /** Asks it to stop and waits for its exit code. */
  stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.#ended;
  }

  /** Ends it without a chance to say goodbye. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
