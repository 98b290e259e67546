import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The root of the repository. */
export const root: string = join(import.meta.dirname, "..");

/** Where results, and what is installed for the benchmark, are kept. */
export const cache: string = join(root, ".cache", "bench");

/** Installs the peers that are measured, unless the lock's are there. Throws when that fails. */
export function installPeers(): void {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")) as {
    dependencies: Readonly<Record<string, string>>;
  };
  const missing = Object.keys(dependencies).filter((name) => versionOf(name) === undefined);
  if (missing.length === 0) return;
  process.stderr.write(`installing ${missing.join(", ")}\n`);
  const { status } = spawnSync("npm", ["ci", "--prefix", import.meta.dirname], { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error("the peers could not be installed; is the npm registry in reach?");
}

/** The installed version of a package, the benchmark's own before the project's. */
export function versionOf(name: string): string | undefined {
  for (const folder of [import.meta.dirname, root]) {
    const path = join(folder, "node_modules", name, "package.json");
    if (existsSync(path)) return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
  }
  return undefined;
}
