import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** What a process of the demo says once it can be called. */
export interface Ready {
  /** Such as `http://127.0.0.1:8080`. */
  readonly address: string;
  /** Id of the instance that it hosts. */
  readonly instance: string;
}

/** How a process ended. */
export interface Ended {
  /** Whether it stopped as it should: with exit code 0, or on SIGTERM before it was ready. */
  readonly clean: boolean;
  /** In words, such as `ended with code 1`. */
  readonly how: string;
}

/** One process of the demo: its life and what it prints. */
export class DemoProcess {
  readonly name: string;
  /** Resolves with its `ready` line. Rejects, with all it had printed, when it ends before that. */
  readonly ready: Promise<Ready>;
  /** Resolves when it has ended and its output is complete. Never rejects. */
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #early: string[] = [];
  #isReady = false;
  #hasEnded = false;

  /**
   * Starts a script as a process group of its own, so that the Ctrl-C of a
   * terminal reaches the demo only, which ends its processes itself. The
   * channel to the parent tells it when the demo is gone.
   */
  constructor(name: string, script: string, env: NodeJS.ProcessEnv) {
    this.name = name;
    this.#child = spawn(process.execPath, [script], {
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const ready = Promise.withResolvers<Ready>();
    const ended = Promise.withResolvers<Ended>();
    const finish = (how: string, clean: boolean): void => {
      this.#hasEnded = true;
      ended.resolve({ how, clean });
      const said = this.#early.map((line) => `\n  ${line}`).join("");
      ready.reject(new Error(`${name} did not start: it ${how}${said}`));
    };
    this.#child.on("error", (error) => {
      if (this.#child.pid === undefined) finish(`could not be run: ${error.message}`, false);
    });
    this.#child.once("close", (code, signal) => {
      const clean = code === 0 || (signal === "SIGTERM" && !this.#isReady);
      finish(signal === null ? `ended with code ${code}` : `was ended by ${signal}`, clean);
    });
    this.#read((line) => {
      const [, address, instance] = /^ready (\S+) (\S+)$/.exec(line) ?? [];
      if (address === undefined || instance === undefined) return false;
      this.#isReady = true;
      ready.resolve({ address, instance });
      return true;
    });
    // Whether it starts is asked for later, and perhaps never.
    ready.promise.catch(() => {});
    this.ready = ready.promise;
    this.ended = ended.promise;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Sends it a signal, unless it has ended. */
  kill(signal: NodeJS.Signals): void {
    if (!this.#hasEnded) this.#child.kill(signal);
  }

  /** Keeps what it prints until it is ready, and passes everything later on. */
  #read(isReadyLine: (line: string) => boolean): void {
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        if (this.#isReady) console.error(`${this.name} (pid ${this.pid}): ${line}`);
        else if (!isReadyLine(line)) this.#early.push(line);
      });
    }
  }
}
