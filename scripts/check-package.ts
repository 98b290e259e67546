// Packs the package as it would be published and has it judged: publint for the
// manifest, attw for the types, and a plain Node program for the code itself.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { root, run } from "./run.ts";

run("npm", "run", "build");
const folder = mkdtempSync(join(tmpdir(), "connect-mesh-package-"));
try {
  run("npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", folder);
  const packed = spawnSync("ls", [folder], { encoding: "utf8" }).stdout.trim();
  const archive = join(folder, packed);
  run("publint", "run", archive, "--strict");
  run("attw", archive, "--profile", "esm-only");
  useAsInstalled(archive);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Imports every entry point from an unpacked archive, with the dependencies of this checkout. */
function useAsInstalled(archive: string): void {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "connect-mesh"), { recursive: true });
  run("tar", "xzf", archive, "-C", join(modules, "connect-mesh"), "--strip-components=1");
  // The package finds its dependencies where an install would have put them: beside it.
  symlinkSync(resolve(root, "node_modules"), join(modules, "connect-mesh", "node_modules"));
  const program = join(folder, "use.mjs");
  writeFileSync(
    program,
    `import { createMesh, memory } from "connect-mesh";
import { testRegistry } from "connect-mesh/testing";
const mesh = createMesh({ registry: memory() });
await mesh.start();
await mesh.close();
if (typeof testRegistry !== "function") throw new Error("connect-mesh/testing exports no testRegistry");
console.log("the packed package works");
`,
  );
  run("node", program);
}
