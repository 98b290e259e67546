import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const buf = join(root, "node_modules/.bin/buf");

/** The image of the repository's own contracts: what `buf build -o image.binpb` writes. */
export function ownImage(...flags: readonly string[]): Promise<Uint8Array> {
  return build(root, flags);
}

/** The image of `corners.proto`, once as the package `corners.v1` and once as `corners.v2`, with all that it imports. */
export async function cornersImage(): Promise<Uint8Array> {
  await mkdir(join(root, ".cache"), { recursive: true });
  const work = await mkdtemp(join(root, ".cache", "corners-"));
  try {
    for (const folder of ["google", "buf"]) {
      await cp(join(root, "proto", folder), join(work, folder), { recursive: true });
    }
    await mkdir(join(work, "corners"));
    await cp(join(import.meta.dirname, "legacy.proto"), join(work, "corners/legacy.proto"));
    const contract = await readFile(join(import.meta.dirname, "corners.proto"), "utf8");
    for (const version of ["v1", "v2"]) {
      await mkdir(join(work, "corners", version), { recursive: true });
      await writeFile(
        join(work, "corners", version, "corners.proto"),
        contract.replaceAll("corners.v1", `corners.${version}`),
      );
    }
    await writeFile(join(work, "buf.yaml"), "version: v2\n");
    return await build(work, []);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function build(directory: string, flags: readonly string[]): Promise<Uint8Array> {
  await mkdir(join(root, ".cache"), { recursive: true });
  const out = await mkdtemp(join(root, ".cache", "image-"));
  try {
    const file = join(out, "image.binpb");
    await run(buf, ["build", ...flags, "-o", file], { cwd: directory, timeout: 60_000 });
    return await readFile(file);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}
