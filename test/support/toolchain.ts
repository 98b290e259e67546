import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./pages.ts";
import { run } from "./run.ts";
import type { Ended } from "./run.ts";

/**
 * What tests need from outside of the repository. When it cannot be had, says
 * so loudly, since the tests are skipped then; under CI that is an error.
 */
export async function orSkip<T>(what: string, get: () => Promise<T | undefined>): Promise<T | undefined> {
  let reason = "";
  try {
    const found = await get();
    if (found !== undefined) return found;
  } catch (error) {
    reason = `: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (process.env["CI"] !== undefined) throw new Error(`the tests need ${what}${reason}`);
  console.warn(`\n*** No ${what}: ITS TESTS ARE SKIPPED${reason} ***\n`);
  return undefined;
}

/** Runs a program that must end well; what it said is in the error otherwise. */
export async function must(
  command: string,
  args: readonly string[],
  options: Parameters<typeof run>[2] = {},
): Promise<Ended> {
  const ended = await run(command, args, options);
  if (ended.code === 0) return ended;
  throw new Error(`${command} ${args.join(" ")} ended with ${ended.code}:\n${ended.stderr}${ended.stdout}`);
}

/**
 * A directory in `.cache` that is made once for each key. Runs at the same time
 * do each other no harm: only the last step, which is atomic, shows it.
 */
export async function cached(
  name: string,
  key: readonly string[],
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 16);
  const parent = join(root, ".cache", name);
  const directory = join(parent, hash);
  if (await exists(join(directory, ".complete"))) return directory;
  await mkdir(parent, { recursive: true });
  const work = await mkdtemp(join(parent, "work-"));
  try {
    await make(work);
    await writeFile(join(work, ".complete"), "");
    await rename(work, directory).catch((error: unknown) => {
      // Somebody else was faster with the same thing.
      if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return directory;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
