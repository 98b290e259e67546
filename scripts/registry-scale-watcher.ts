import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { ClientInit, Told, Used, Wanted } from "./registry-scale-client.ts";

/** A client process, and when it heard of what. Disposing kills it. */
export class Watcher implements AsyncDisposable {
  /** When an instance came or went, in milliseconds since 1970, by `+` or `-` and its id. */
  readonly heard: Map<string, number> = new Map();
  size: number = 0;
  updates: number = 0;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #use: (used: Used) => void = () => {};

  constructor(init: ClientInit) {
    const script = join(import.meta.dirname, "registry-scale-client.ts");
    this.#child = spawn(process.execPath, [script, JSON.stringify(init)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.on("message", (told: Told) => {
      if ("cpuSeconds" in told) {
        this.#use(told);
        return;
      }
      for (const id of told.added) this.heard.set(`+${id}`, told.atMs);
      for (const id of told.removed) this.heard.set(`-${id}`, told.atMs);
      this.size = told.size;
      this.updates++;
    });
  }

  /** What it has used so far. */
  async ask(wanted: Wanted): Promise<Used> {
    const answer = new Promise<Used>((resolve) => { this.#use = resolve; });
    this.#child.send(wanted);
    return Promise.race([answer, this.#ended.then(() => { throw new Error("a client has ended"); })]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
