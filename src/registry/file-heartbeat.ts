import { readFile, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "../async/sleep.ts";
import type { HealthStatus, Instance } from "../contract/instance.ts";
import { type MeshEvents, publish } from "../events.ts";
import { openDirectory, unavailable } from "./file-directory.ts";
import { encodeLease, leaseFileName, writeLease } from "./file-lease.ts";
import type { ProcessId } from "./file-process.ts";
import type { Lease } from "./registry.ts";

/** What a lease needs to know of its registry. */
export interface FileLeaseOptions {
  readonly directory: string;
  readonly heartbeatMs: number;
  readonly here: ProcessId;
  /** Called after the lease changed its file. */
  readonly onChange: () => void;
  /** Called once, after the lease was given up. */
  readonly onRelease: () => void;
}

/** Keeps the lease file of one instance there and fresh. */
export class FileLease implements Lease {
  readonly #options: FileLeaseOptions;
  readonly #fileName: string;
  readonly #path: string;
  readonly #stop = new AbortController();
  #instance: Instance;
  #detail: string | undefined;
  #written: string | undefined;
  #lost = false;
  #last: Promise<unknown> = Promise.resolve();
  #released: Promise<void> | undefined;

  constructor(instance: Instance, options: FileLeaseOptions) {
    this.#instance = instance;
    this.#options = options;
    this.#fileName = leaseFileName(instance.id);
    this.#path = join(options.directory, this.#fileName);
  }

  /** Writes the file for the first time and starts the heartbeats. */
  async start(): Promise<void> {
    await this.#write();
    this.#publish("registered");
    void this.#beats();
  }

  /** See {@link Lease.setHealth}. Rejects with `unavailable` when the file cannot be written yet. */
  async setHealth(status: HealthStatus, detail?: string): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#stop.signal.aborted) return;
      if (status === this.#instance.health && detail === this.#detail && !this.#lost) return;
      this.#instance = { ...this.#instance, health: status };
      this.#detail = detail;
      try {
        await this.#write();
        this.#found();
      } catch (error) {
        this.#lose(error);
        throw unavailable("the lease cannot be written now, each heartbeat tries it again", error);
      }
    });
  }

  /** Removes the file. A file that cannot be removed becomes stale by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#released ??= this.#inTurn(async () => {
      let failed: unknown;
      try {
        // Another process may have taken the id over while this one was suspended.
        if (await this.#isOurs()) await unlink(this.#path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") failed = error;
      }
      this.#options.onRelease();
      this.#options.onChange();
      this.#publish("released", failed);
    });
    await this.#released;
  }

  async #beats(): Promise<void> {
    while (await sleep(this.#options.heartbeatMs, this.#stop.signal)) {
      await this.#inTurn(() => this.#beat());
    }
  }

  async #beat(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    try {
      if (!(await this.#isOurs())) throw new Error("the lease file was replaced");
      // After a failed write, the file is there but says something old.
      if (!this.#lost) {
        const now = new Date();
        await utimes(this.#path, now, now);
        return;
      }
    } catch (error) {
      this.#lose(error);
    }
    try {
      await this.#write();
      this.#found();
    } catch {
      // Told as lost already; the next heartbeat tries again.
    }
  }

  async #isOurs(): Promise<boolean> {
    // Not by inode: the file system gives a freed one to the next file at once.
    return (await readFile(this.#path, "utf8")) === this.#written;
  }

  async #write(): Promise<void> {
    const { directory, here, onChange } = this.#options;
    await openDirectory(directory);
    const text = encodeLease({ ...here, instance: this.#instance, detail: this.#detail });
    await writeLease(directory, this.#fileName, text);
    this.#written = text;
    onChange();
  }

  #lose(error: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#publish("lost", error);
  }

  #found(): void {
    if (!this.#lost) return;
    this.#lost = false;
    this.#publish("renewed");
  }

  #publish(state: MeshEvents["registry.lease"]["state"], error?: unknown): void {
    publish("registry.lease", () => ({
      registry: "file",
      instance: this.#instance,
      state,
      ...(error === undefined ? {} : { error }),
    }));
  }

  /** One change of the file at a time, in the order of the calls. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
