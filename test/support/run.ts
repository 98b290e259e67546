import { spawn } from "node:child_process";

/** What a program that has ended left behind. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with nothing or `input` to read; killed after `timeoutMs`, default 20000. */
export function run(
  command: string,
  args: readonly string[],
  { input = "", timeoutMs = 20_000 }: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { timeout: timeoutMs, killSignal: "SIGKILL" });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (code) => {
      resolve({ code, stdout, stderr });
    });
    child.stdin.on("error", () => {
      // It may end without reading.
    });
    child.stdin.end(input);
  });
}

/**
 * Whether a program that tests need is there. Says loudly when it is not,
 * since its tests are skipped then; under CI that is an error.
 */
export async function present(command: string, hint: string): Promise<boolean> {
  const found = await run(command, ["--version"]).then(
    ({ code }) => code === 0,
    () => false,
  );
  if (found) return true;
  if (process.env["CI"] !== undefined) throw new Error(`the tests need ${command}: ${hint}`);
  console.warn(`\n*** No ${command}: ITS TESTS ARE SKIPPED. ${hint} ***\n`);
  return false;
}
