import { lstat, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Instance } from "../contract/instance.ts";
import type { Target } from "../contract/target.ts";
import { configurationError } from "../error.ts";
import { checkDirectory, defaultDirectory, openDirectory, unavailable } from "./file-directory.ts";
import { FileLease } from "./file-heartbeat.ts";
import { leaseFileName, parseLease } from "./file-lease.ts";
import { hasEnded, type ProcessId, thisProcess } from "./file-process.ts";
import { LeaseReader } from "./file-reader.ts";
import { FileScanner } from "./file-scanner.ts";
import { alreadyRegistered, registrable } from "./registrable.ts";
import { byId, fingerprint, type Lease, type ListableRegistry, select } from "./registry.ts";
import type { Registry, Snapshot } from "./registry.ts";

const name = "file";

/** Options of {@link file}. Processes that should find each other use the same. */
export interface FileRegistryOptions {
  /**
   * Directory of the lease files. It must belong to the user that runs the
   * process, and only that user may write to it. It is made when it is not
   * there. Default `connect-mesh-<uid>` in the directory for temporary files.
   */
  readonly directory?: string | undefined;
  /** Time between two signs of life of a lease, in milliseconds. Default 2000. */
  readonly heartbeatMs?: number | undefined;
  /**
   * A lease without a sign of life for this time is not in snapshots, in
   * milliseconds. At least twice `heartbeatMs`. Default 10000.
   */
  readonly leaseMs?: number | undefined;
  /**
   * The directory is looked at this often while it is watched, in
   * milliseconds, on top of what the file system tells. Default 500.
   */
  readonly scanMs?: number | undefined;
}

/**
 * The registry for development: the processes of one user on one machine find
 * each other through a directory of lease files, with nothing installed. The
 * lease of a process that ended, however it ended, is gone with the next look.
 *
 * Throws `invalid_argument` when an option makes no sense. Registering rejects
 * with `invalid_argument` when the directory is not safe to use, with
 * `already_exists` when a living process holds the id, and with `unavailable`
 * when the file cannot be written.
 */
export function file(options: FileRegistryOptions = {}): ListableRegistry {
  const { heartbeatMs = 2_000, leaseMs = 10_000, scanMs = 500 } = options;
  for (const [key, value] of Object.entries({ heartbeatMs, leaseMs, scanMs })) {
    if (!(value > 0)) throw configurationError(`file registry: ${key} must be above 0, not ${value}`);
  }
  if (leaseMs < 2 * heartbeatMs) {
    throw configurationError(
      `file registry: leaseMs (${leaseMs}) must be at least twice heartbeatMs (${heartbeatMs})`,
    );
  }
  const directory = resolve(options.directory ?? defaultDirectory());
  const here = thisProcess();
  const held = new Set<string>();
  let scanner: FileScanner | undefined;
  let watches = 0;

  /** Uses the scanner that all watches share. Returns it, and how to leave it. */
  function attach(): [FileScanner, () => void] {
    scanner ??= new FileScanner({ directory, leaseMs, scanMs, here });
    watches += 1;
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      watches -= 1;
      if (watches > 0) return;
      scanner?.close();
      scanner = undefined;
    };
    return [scanner, leave];
  }

  async function* watch(target: Target, signal: AbortSignal): AsyncGenerator<Snapshot, void> {
    if (signal.aborted) return;
    const [shared, leave] = attach();
    // A reader that aborts may never come back for the end.
    signal.addEventListener("abort", leave, { once: true });
    try {
      let last: string | undefined;
      for await (const { instances, problem } of shared.all.read(signal)) {
        const chosen = select(target, instances);
        const snapshot = problem === undefined ? chosen : { ...chosen, problem };
        const print = fingerprint(snapshot);
        if (print === last) continue;
        last = print;
        yield snapshot;
      }
    } finally {
      signal.removeEventListener("abort", leave);
      leave();
    }
  }

  async function register(...[wanted, signal]: Parameters<Registry["register"]>): Promise<Lease> {
    signal?.throwIfAborted();
    const instance = registrable(wanted);
    const { id } = instance;
    if (held.has(id)) throw alreadyRegistered(name, id);
    held.add(id);
    const onChange = (): void => scanner?.wake();
    const onRelease = (): unknown => held.delete(id);
    const lease = new FileLease(instance, { directory, heartbeatMs, here, onChange, onRelease });
    try {
      await openDirectory(directory);
      if (await isTaken(directory, id, leaseMs, here)) throw alreadyRegistered(name, id);
      await lease.start();
    } catch (error) {
      held.delete(id);
      throw unavailable(`instance ${id} cannot be registered`, error);
    }
    if (signal?.aborted === true) await lease[Symbol.asyncDispose]();
    signal?.throwIfAborted();
    return lease;
  }

  async function list(signal?: AbortSignal): Promise<readonly Instance[]> {
    signal?.throwIfAborted();
    try {
      await checkDirectory(directory);
      const found = await new LeaseReader(directory, leaseMs, here).read();
      signal?.throwIfAborted();
      return byId(found);
    } catch (error) {
      signal?.throwIfAborted();
      // Nobody has registered yet. To look is no reason to make the directory.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw unavailable("the registry directory cannot be read", error);
    }
  }

  return { name, register, watch, list };
}

/** Whether a living process holds the id. A lease that cannot be read holds nothing. */
async function isTaken(
  directory: string,
  id: string,
  leaseMs: number,
  here: ProcessId,
): Promise<boolean> {
  const fileName = leaseFileName(id);
  try {
    const path = join(directory, fileName);
    const record = parseLease(fileName, await readFile(path, "utf8"));
    const { mtimeMs } = await lstat(path);
    return !hasEnded(record, here) && Date.now() - mtimeMs <= leaseMs;
  } catch {
    return false;
  }
}
