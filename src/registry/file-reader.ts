import { type BigIntStats, lstatSync, unlinkSync } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "../contract/instance.ts";
import { publish } from "../events.ts";
import { isTemporary, type LeaseRecord, parseLease } from "./file-lease.ts";
import { hasEnded, type ProcessId } from "./file-process.ts";

/** What is known of one lease file. */
interface Seen {
  readonly version: string;
  /** Undefined for a file that is not a lease. */
  readonly record: LeaseRecord | undefined;
  /** Whether another change could not have the same version. */
  readonly settled: boolean;
  readonly heartbeat: bigint;
  /** Age of the heartbeat when it was first seen, and when that was. */
  readonly age: number;
  readonly at: number;
}

/** A lease file that is larger is not a lease, in bytes. */
const maxSize = 1_048_576n;
/** Coarsest time stamp of the common file systems (FAT), in milliseconds. */
const timestampMs = 2_000;
/** After so many times `leaseMs`, whoever sees a file may remove it. */
const longStale = 6;

/** Reads the leases of a directory, and clears away those that ended. */
export class LeaseReader {
  readonly #directory: string;
  readonly #leaseMs: number;
  readonly #here: ProcessId;
  #seen = new Map<string, Seen>();

  constructor(directory: string, leaseMs: number, here: ProcessId) {
    this.#directory = directory;
    this.#leaseMs = leaseMs;
    this.#here = here;
  }

  /** The instances of all living leases, in order of file name. */
  async read(): Promise<readonly Instance[]> {
    const names = await readdir(this.#directory);
    const found = await Promise.all(names.sort().map((name) => this.#look(name)));
    const there = new Set(names);
    for (const name of this.#seen.keys()) if (!there.has(name)) this.#seen.delete(name);
    return found.filter((of) => of !== undefined);
  }

  async #look(name: string): Promise<Instance | undefined> {
    const path = join(this.#directory, name);
    const stats = await orUndefined(lstat(path, { bigint: true }));
    if (stats?.isFile() !== true) return undefined;
    if (isTemporary(name)) {
      // Left by a process that ended while it wrote.
      if (ageOf(stats) > longStale * this.#leaseMs) removeIf(path, versionOf(stats));
      return undefined;
    }
    if (name.startsWith(".") || !name.endsWith(".json")) return undefined;
    const seen = await this.#update(name, path, stats);
    if (seen?.record === undefined) return undefined;
    const age = seen.age + performance.now() - seen.at;
    if (hasEnded(seen.record, this.#here) || age > longStale * this.#leaseMs) {
      removeIf(path, seen.version);
      return undefined;
    }
    return age > this.#leaseMs ? undefined : seen.record.instance;
  }

  async #update(name: string, path: string, stats: BigIntStats): Promise<Seen | undefined> {
    const before = this.#seen.get(name);
    if (before?.settled === true && before.version === versionOf(stats)) return before;
    const read = await readWhole(path);
    if (read === undefined) return undefined;
    const version = versionOf(read.stats);
    let record: LeaseRecord | undefined;
    try {
      if (read.text === undefined) throw read.error;
      record = parseLease(name, read.text);
    } catch (error) {
      if (before?.version !== version) {
        publish("registry.corrupt", () => ({ registry: "file", source: path, error }));
      }
    }
    const heartbeat = read.stats.mtimeNs;
    // The clock of the machine may jump, or stand still with it. So it only
    // tells the age of a heartbeat that was there before we looked.
    const age = before === undefined ? ageOf(read.stats) : 0;
    const known = before?.heartbeat === heartbeat ? before : { heartbeat, age, at: performance.now() };
    const settled = Date.now() - Number(read.stats.ctimeMs) > timestampMs;
    const seen: Seen = { version, record, settled, heartbeat, age: known.age, at: known.at };
    this.#seen.set(name, seen);
    return seen;
  }
}

interface Read {
  readonly stats: BigIntStats;
  readonly text?: string | undefined;
  readonly error?: unknown;
}

/** The text of a file with the facts of that same file, or undefined when it is gone. */
async function readWhole(path: string): Promise<Read | undefined> {
  try {
    const handle = await open(path);
    try {
      const stats = await handle.stat({ bigint: true });
      if (stats.size > maxSize) return { stats, error: new TypeError("the file is too large") };
      return { stats, text: await handle.readFile("utf8") };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    // Anything else, such as too many open files, says nothing about the file.
    if (code !== "EACCES" && code !== "EPERM") throw error;
    const stats = await orUndefined(lstat(path, { bigint: true }));
    return stats === undefined ? undefined : { stats, error };
  }
}

async function orUndefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function versionOf(stats: BigIntStats): string {
  return `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/** Time since the last change, in milliseconds. A time in the future counts as now. */
function ageOf(stats: BigIntStats): number {
  return Math.max(0, Date.now() - Number(stats.mtimeMs));
}

/**
 * Removes a file unless it has changed. Synchronous, because a file cannot be
 * compared and removed in one step: should a lease be written in between, its
 * next heartbeat finds that it is gone and writes it again.
 */
function removeIf(path: string, version: string): void {
  try {
    if (versionOf(lstatSync(path, { bigint: true })) === version) unlinkSync(path);
  } catch {
    // Gone already, or not ours to remove: it is left out either way.
  }
}
