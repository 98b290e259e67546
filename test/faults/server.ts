import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { Behaviour, Order, Report, Seen, ServerInit, TlsFiles } from "./behaviour.ts";

const script = join(import.meta.dirname, "server-process.ts");

/** What makes the surroundings of a process obey. */
export const surroundings: string = join(import.meta.dirname, "surroundings.ts");

/** A server of a scenario. Disposing kills its process. */
export class Server implements AsyncDisposable {
  readonly id: string;
  /** Such as `http://127.0.0.1:40001`. */
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Zone that the registry says it is in. */
  readonly zone: string | undefined;
  readonly #asked = new Map<number, (answer: Extract<Report, { readonly answer: number }>) => void>();
  #asks = 0;

  private constructor({ id, zone }: ServerInit, address: string, child: ChildProcess, ended: Promise<unknown>) {
    this.id = id;
    this.zone = zone;
    this.address = address;
    this.#child = child;
    this.#ended = ended;
    child.on("message", (report: Report) => {
      if ("answer" in report) this.#asked.get(report.answer)?.(report);
    });
  }

  /** Starts one and waits until it listens. */
  static async start(init: ServerInit): Promise<Server> {
    const own = init.ownClock === true ? ["--import", surroundings] : [];
    const [command, ...args] = [...wrapper(init), process.execPath, ...own, script, JSON.stringify(init)];
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
    return new Server(init, address, child, ended);
  }

  get port(): number {
    return Number(new URL(this.address).port);
  }

  /** Changes how it answers. */
  behave(behaviour: Behaviour): void {
    this.#order({ behave: behaviour });
  }

  /** What it has seen so far. It must be running. */
  async seen(): Promise<Seen> {
    return (await this.#ask({})).seen;
  }

  /** Gives it other certificates. Resolves to why it refuses them; undefined when it does not. */
  async renew(renew: TlsFiles): Promise<string | undefined> {
    return (await this.#ask({ renew })).refused;
  }

  /** Ends all its HTTP/2 connections: by a GOAWAY, after which what runs finishes, or without a word. */
  end(how: "goaway" | "cut"): void {
    this.#order({ end: how });
  }

  /** Sets its wall clock forward, compared with that of the machine, in milliseconds. */
  setClock(clock: number): void {
    this.#order({ clock });
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

  #ask(what: { readonly renew?: TlsFiles }): Promise<Extract<Report, { readonly answer: number }>> {
    const ask = ++this.#asks;
    return new Promise((resolve) => {
      this.#asked.set(ask, resolve);
      this.#order({ ...what, ask });
    });
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
