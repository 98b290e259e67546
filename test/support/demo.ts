import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until, within } from "../../src/testing/until.ts";

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real demo that runs. Disposing of it leaves nothing behind. */
export interface Demo extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Resolves when it has ended. */
  readonly exit: Promise<Exit>;
  /** All that it has printed so far. */
  output(): string;
  /** Waits until it has printed what matches. Rejects when it ends before, or after 60 s. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Names of the files in its own directory for temporary files. */
  leftovers(): Promise<readonly string[]>;
}

/** Starts `scripts/demo.ts` with more environment variables, if wanted in a shell of its own. */
export async function startDemo(
  env: NodeJS.ProcessEnv = {},
  { shell = false }: { readonly shell?: boolean } = {},
): Promise<Demo> {
  const directory = await mkdtemp(join(tmpdir(), "demo-test-"));
  const { MESH_REGISTRY: _, npm_lifecycle_event: __, ...inherited } = process.env;
  const script = join(import.meta.dirname, "../../scripts/demo.ts");
  const [command, args] = shell
    ? ["sh", ["-c", `"${process.execPath}" "${script}"; exit $?`]]
    : [process.execPath, [script]];
  const child = spawn(command, args, {
    env: { ...inherited, PORT: "0", TMPDIR: directory, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const exit = once(child, "close").then(
    ([code, signal]): Exit => ({ code: code as number | null, signal: signal as NodeJS.Signals | null }),
  );
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    child,
    exit,
    output: () => output,
    printed: async (pattern) => {
      await until(() => pattern.test(output) || hasEnded(), { timeoutMs: 60_000, what: `${pattern}` });
      const found = pattern.exec(output);
      if (found === null) throw new Error(`the demo ended without ${pattern}:\n${output}`);
      return found;
    },
    leftovers: () => readdir(directory),
    [Symbol.asyncDispose]: async () => {
      if (!hasEnded()) child.kill("SIGTERM");
      await within(() => exit, { timeoutMs: 30_000 }).catch(() => child.kill("SIGKILL"));
      await exit;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Whether a process is there and has not ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    // An orphan that has ended stays a zombie where nobody asks for its end.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return !existsSync("/proc/self");
  }
}
