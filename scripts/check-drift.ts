// Fails when gen/ is not what buf makes of proto/ now.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { root, run } from "./run.ts";

const fresh = mkdtempSync(join(tmpdir(), "connect-mesh-gen-"));
try {
  // The template cleans its output folder, so it works on a copy.
  cpSync(resolve(root, "gen"), join(fresh, "gen"), { recursive: true });
  run("buf", "generate", "--output", fresh);
  const committed = files(resolve(root, "gen"));
  const generated = files(join(fresh, "gen"));
  const names = new Set([...committed.keys(), ...generated.keys()]);
  const drifted = [...names].filter((name) => committed.get(name) !== generated.get(name));
  if (drifted.length > 0) {
    console.error(`gen/ has drifted from proto/: ${drifted.join(", ")}; run npm run generate`);
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

function files(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const texts = names
    .filter((name) => name.endsWith(".ts"))
    .map((name) => [name, readFileSync(join(folder, name), "utf8")] as const);
  return new Map(texts);
}
