import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { Behaviour, Order, Report, Seen, ServerInit } from "./behaviour.ts";

const script = join(import.meta.dirname, "server-process.ts");

/** A server of a scenario. Disposing kills its process. */
export class Server implements AsyncDisposable {
  readonly id: string;
  /** Such as `http://127.0.0.1:40001`. */
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #asked = new Map<number, (seen: Seen) => void>();
  #asks = 0;

  private constructor(id: string, address: string, child: ChildProcess, ended: Promise<unknown>) {
    this.id = id;
    this.address = address;
    this.#child = child;
    this.#ended = ended;
    child.on("message", (report: Report) => {
      if ("answer" in report) this.#asked.get(report.answer)?.(report.seen);
    });
  }

  /** Starts one and waits until it listens. */
  static async start(init: ServerInit): Promise<Server> {
    const [command, ...args] = [...wrapper(init), process.execPath, script, JSON.stringify(init)];
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const address = await new Promise<string>((resolve, reject) => {
      child.on("message", (report: Report) => {
        if ("ready" in report) resolve(report.ready);
      });
      child.once("error", reject);
      void ended.then((code) => {
        reject(new Error(`the server ${init.id} ended with code ${String(code)} before it was ready`));
      });
    });
    return new Server(init.id, address, child, ended);
  }

  get port(): number {
    return Number(new URL(this.address).port);
  }

  /** Changes how it answers. */
  behave(behaviour: Behaviour): void {
    this.#order({ behave: behaviour });
  }

  /** What it has seen so far. It must be running. */
  seen(): Promise<Seen> {
    const ask = ++this.#asks;
    return new Promise((resolve) => {
      this.#asked.set(ask, resolve);
      this.#order({ ask });
    });
  }

  /** Sends it a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Whether its process is there. */
  get lives(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it without a chance to say goodbye. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  #order(order: Order): void {
    this.#child.send(order);
  }
}

/** What starts the process in its surroundings; it becomes the process itself. */
function wrapper({ network, descriptors }: ServerInit): readonly string[] {
  if (network !== undefined) return ["ip", "netns", "exec", network.name];
  if (descriptors !== undefined) return ["sh", "-c", `ulimit -n ${descriptors} && exec "$0" "$@"`];
  return [];
}
