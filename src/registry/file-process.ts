import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Which process holds a lease, told exactly enough to notice its end. */
export interface ProcessId {
  /** Process id. */
  readonly pid: number;
  /**
   * When the process started, in clock ticks since boot (field 22 of
   * `/proc/<pid>/stat`). Undefined where there is no `/proc`.
   */
  readonly processStart?: number | undefined;
  /**
   * The space in which the pid has a meaning: the host's name and, on Linux,
   * the pid namespace, because containers may share a directory.
   */
  readonly host?: string | undefined;
}

/** The identity of this process. */
export function thisProcess(): ProcessId {
  return { pid: process.pid, processStart: processStat(process.pid)?.start, host: pidSpace() };
}

/**
 * Whether the process of a lease has ended. False when that cannot be known
 * from here, as for a process in another container: then only its heartbeat tells.
 */
export function hasEnded(of: ProcessId, here: ProcessId): boolean {
  if (of.host !== undefined && of.host !== here.host) return false;
  try {
    process.kill(of.pid, 0);
  } catch (error) {
    // Everything else, such as EPERM, means that the process is there.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return true;
  }
  const now = processStat(of.pid);
  if (now === undefined) return false;
  // A zombie answers kill(pid, 0) until its parent has read its end.
  if (now.state === "Z" || now.state === "X") return true;
  return of.processStart !== undefined && of.processStart !== now.start;
}

function processStat(pid: number): { readonly state: string; readonly start: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // Field 2 is the name in parentheses and may hold anything, even ")".
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const start = Number(fields[19]);
  return Number.isSafeInteger(start) ? { state: fields[0] ?? "", start } : undefined;
}

function pidSpace(): string {
  try {
    return `${hostname()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}
