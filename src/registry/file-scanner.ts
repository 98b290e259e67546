import { type BigIntStats, type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";
import { Code, type ConnectError } from "@connectrpc/connect";
import { Latest } from "../async/latest.ts";
import { sleep } from "../async/sleep.ts";
import type { Instance } from "../contract/instance.ts";
import { errorText, meshError } from "../error.ts";
import { checkDirectory, openDirectory } from "./file-directory.ts";
import type { ProcessId } from "./file-process.ts";
import { LeaseReader } from "./file-reader.ts";
import { fingerprint, type Snapshot } from "./registry.ts";

/** What a scanner needs to know. */
export interface FileScannerOptions {
  readonly directory: string;
  readonly leaseMs: number;
  readonly scanMs: number;
  readonly here: ProcessId;
}

/**
 * Looks at a directory of leases until it is closed: whenever the file system
 * tells of a change, and every `scanMs`, because it does not always tell and
 * never tells of the end of a process.
 */
export class FileScanner {
  /** All living instances, whatever their health and services. */
  readonly all: Latest<Snapshot> = new Latest();
  readonly #options: FileScannerOptions;
  readonly #reader: LeaseReader;
  #known: readonly Instance[] = [];
  #print: string | undefined;
  #missingSince: number | undefined;
  #watcher: { readonly identity: string; readonly of: FSWatcher } | undefined;
  #nap = new AbortController();
  #closed = false;

  constructor(options: FileScannerOptions) {
    this.#options = options;
    this.#reader = new LeaseReader(options.directory, options.leaseMs, options.here);
    void this.#run();
  }

  /** Looks again now, or once more after the look that is under way. */
  wake(): void {
    this.#nap.abort();
  }

  /** Ends all timers and watches. */
  close(): void {
    this.#closed = true;
    this.#unwatch();
    this.#nap.abort();
    this.all.end();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      // Made before the look, so that a change during it is not missed.
      this.#nap = new AbortController();
      const view = await this.#look();
      const print = fingerprint(view);
      if (print !== this.#print) this.all.set(view);
      this.#print = print;
      if (!this.#closed) await sleep(this.#options.scanMs, this.#nap.signal);
    }
  }

  async #look(): Promise<Snapshot> {
    try {
      this.#watch(await this.#open());
      this.#known = await this.#reader.read();
      return { instances: this.#known };
    } catch (error) {
      this.#unwatch();
      return { instances: this.#known, problem: this.#problem(error) };
    }
  }

  #problem(error: unknown): ConnectError {
    return meshError(
      Code.Unavailable,
      "REGISTRY_UNAVAILABLE",
      `the registry directory cannot be read: ${errorText(error)}`,
      { cause: error, metadata: { directory: this.#options.directory } },
    );
  }

  /**
   * A directory that vanished under living instances is made again by their
   * next heartbeat, and until then the instances are only not visible. When
   * nobody has done that for the time of a lease, there is nobody.
   */
  async #open(): Promise<BigIntStats> {
    const { directory, leaseMs } = this.#options;
    try {
      const found = await checkDirectory(directory);
      this.#missingSince = undefined;
      return found;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      this.#missingSince ??= performance.now();
      const waited = performance.now() - this.#missingSince;
      if (this.#known.length > 0 && waited <= leaseMs) throw error;
      return await openDirectory(directory);
    }
  }

  #watch(found: BigIntStats): void {
    const { directory } = this.#options;
    const identity = `${found.dev}:${found.ino}:${found.birthtimeNs}`;
    if (this.#watcher?.identity === identity) return;
    this.#unwatch();
    if (this.#closed) return;
    try {
      // Heartbeats only touch files ("change"); all else is a "rename".
      const of = watch(directory, { persistent: false }, (type, name) => {
        if (type !== "rename" || name?.startsWith(".") === true) return;
        // The end of the directory itself: a new one needs a new watch.
        if (name === basename(directory)) this.#unwatch();
        this.wake();
      });
      of.on("error", () => {
        this.#unwatch();
      });
      this.#watcher = { identity, of };
    } catch {
      // No watches left (ENOSPC, EMFILE): scanMs alone must do until there are.
    }
  }

  #unwatch(): void {
    this.#watcher?.of.close();
    this.#watcher = undefined;
  }
}
