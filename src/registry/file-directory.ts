import type { BigIntStats } from "node:fs";
import { lstat, mkdir } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { configurationError, errorText, meshError } from "../error.ts";

/** The default directory: `connect-mesh-<uid>` in the system's directory for temporary files. */
export function defaultDirectory(): string {
  // Windows has no uid; there, the temporary directory is the user's own already.
  const user = process.geteuid?.() ?? userInfo().username.replaceAll(/[^\w.-]/g, "_");
  return join(tmpdir(), `connect-mesh-${user}`);
}

/** Makes the directory, for its owner only (0700), unless it is there, and checks it. */
export async function openDirectory(directory: string): Promise<BigIntStats> {
  try {
    return await checkDirectory(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return checkDirectory(directory);
}

/**
 * Checks that nobody else could put leases in the directory: whoever can,
 * decides where calls go. Throws `invalid_argument` when it is not a directory,
 * a symlink, owned by somebody else, or writable by others, and the error of
 * the file system when it is not there.
 */
export async function checkDirectory(directory: string): Promise<BigIntStats> {
  const found = await lstat(directory, { bigint: true });
  const uid = process.geteuid?.();
  if (found.isSymbolicLink()) {
    throw refused(directory, "it is a symbolic link", "name the directory itself");
  }
  if (!found.isDirectory()) {
    throw refused(directory, "it is not a directory", "move it away or name another");
  }
  if (uid === undefined) return found;
  if (found.uid !== BigInt(uid)) {
    throw refused(directory, `it belongs to uid ${found.uid}, not ${uid}`, "name one of your own");
  }
  if ((found.mode & 0o022n) !== 0n) {
    throw refused(directory, "others may write to it", `run chmod 700 ${directory}`);
  }
  return found;
}

function refused(directory: string, problem: string, remedy: string): Error {
  return configurationError(
    `the registry directory ${directory} is not safe to use: ${problem}; ${remedy}`,
    { directory },
  );
}

/** The error of a directory or file that cannot be used now: `unavailable`, unless it has a code. */
export function unavailable(problem: string, error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  const message = `${problem}: ${errorText(error)}`;
  return meshError(Code.Unavailable, "REGISTRY_UNAVAILABLE", message, { cause: error });
}
