import { spawnSync } from "node:child_process";
import { dirname, resolve } from "node:path";

/** The root of the repository. */
export const root: string = resolve(import.meta.dirname, "..");

/** Runs a command of the project in its root; ends this process when it fails. */
export function run(command: string, ...args: readonly string[]): void {
  console.log(`> ${command} ${args.join(" ")}`);
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: projectPath() },
  });
  if (error !== undefined) console.error(error.message);
  if (status !== 0) process.exit(status ?? 1);
}

/** PATH with the project's tools first, as npm has it: the pinned Node above all. */
export function projectPath(): string {
  return [resolve(root, "node_modules/.bin"), dirname(process.execPath), process.env["PATH"]].join(":");
}
