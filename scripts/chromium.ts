/**
 * Finds a Chromium for the tests in a browser, or installs Debian's package
 * where that is possible. Run as a program, it prints the path.
 */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const names = ["chromium", "chromium-browser", "google-chrome"];

/**
 * Path of a Chromium: `CHROMIUM_BIN`, else one on the `PATH`, else that of
 * Debian's package, which is installed first when this process is root. Undefined
 * when there is none to be had; the reason is then written to stderr. A
 * `CHROMIUM_BIN` that cannot run is an error.
 */
export async function chromiumBinary(): Promise<string | undefined> {
  const named = process.env["CHROMIUM_BIN"];
  if (named !== undefined && named !== "") {
    if (await isExecutable(named)) return named;
    throw new Error(`CHROMIUM_BIN is ${named}, which is not an executable file`);
  }
  const found = await onPath();
  if (found !== undefined) return found;
  try {
    await install();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`No Chromium could be installed: ${reason}`);
    return undefined;
  }
  return onPath();
}

async function onPath(): Promise<string | undefined> {
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    if (directory === "") continue;
    for (const name of names) {
      const path = join(directory, name);
      if (await isExecutable(path)) return path;
    }
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function install(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("only root may install packages; set CHROMIUM_BIN");
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    timeout: 300_000,
    maxBuffer: 64 * 1024 * 1024,
  };
  // Another run of apt-get may hold the lock.
  const lock = ["-o", "DPkg::Lock::Timeout=120", "-o", "APT::Update::Error-Mode=any"];
  await run("apt-get", [...lock, "--quiet", "update"], options);
  await run("apt-get", [...lock, "--quiet", "--yes", "--no-install-recommends", "install", "chromium"], options);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const binary = await chromiumBinary();
  if (binary === undefined) process.exitCode = 1;
  else console.log(binary);
}
