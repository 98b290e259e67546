import { createHash, randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Instance, parseInstance } from "../contract/instance.ts";
import type { ProcessId } from "./file-process.ts";

/** What a lease file says. The time of its last change is its last heartbeat. */
export interface LeaseRecord extends ProcessId {
  /** The instance, with its health. */
  readonly instance: Instance;
  /** What the component said about its health, for people. */
  readonly detail?: string | undefined;
}

const format = 1;

/**
 * Name of an instance's lease file. Ids of the usual form are used as they
 * are; any other id is hashed, so that no id leaves the directory, is too long
 * for a file name, or differs from another only in case.
 */
export function leaseFileName(id: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,127}$/.test(id)) return `${id}.json`;
  return `_${createHash("sha256").update(id).digest("hex")}.json`;
}

/** Whether a file name is that of a temporary file of {@link writeLease}. */
export function isTemporary(fileName: string): boolean {
  return fileName.startsWith(".") && fileName.endsWith(".tmp");
}

/** The text of a lease file. */
export function encodeLease(record: LeaseRecord): string {
  return `${JSON.stringify({ format, ...record }, null, 2)}\n`;
}

/** Writes a lease at once: readers see the old file or the new, never half of one. */
export async function writeLease(
  directory: string,
  fileName: string,
  text: string,
): Promise<void> {
  const unique = `${process.pid}.${randomBytes(6).toString("hex")}`;
  const temporary = join(directory, `.${fileName}.${unique}.tmp`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, "wx", 0o600);
    await handle.writeFile(text);
    await handle.close();
    await rename(temporary, join(directory, fileName));
  } catch (error) {
    await handle?.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** Reads the text of a lease file. Throws an error that says what is wrong with it. */
export function parseLease(fileName: string, text: string): LeaseRecord {
  const json: unknown = JSON.parse(text);
  if (typeof json !== "object" || json === null) throw new TypeError("a lease must be an object");
  const from = json as Record<string, unknown>;
  if (from["format"] !== format) {
    throw new TypeError(`format must be ${format}, not ${JSON.stringify(from["format"])}`);
  }
  const { pid, processStart, host } = from;
  // 0 and negative numbers would ask for groups of processes.
  if (!isInteger(pid) || pid < 1) throw new TypeError("pid must be a positive integer");
  if (processStart !== undefined && !isInteger(processStart)) {
    throw new TypeError("processStart must be an integer");
  }
  if (host !== undefined && typeof host !== "string") throw new TypeError("host must be a string");
  const instance = parseInstance(from["instance"]);
  // A copy of a lease under another name would be a second instance.
  if (leaseFileName(instance.id) !== fileName) {
    throw new TypeError(`the file of instance ${instance.id} must be ${leaseFileName(instance.id)}`);
  }
  return { pid, processStart, host, instance };
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
