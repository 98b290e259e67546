import { join } from "node:path";
import { root } from "../../support/pages.ts";
import { must, orSkip } from "../../support/toolchain.ts";

const bin = join(root, ".cache", "go", "bin");

// The toolchain that is there has to do: none is downloaded, and go.mod stays as it is.
const go = ["GOTOOLCHAIN=local", "GOFLAGS=-mod=readonly -buildvcs=false", "go", "-C", import.meta.dirname];

/**
 * Builds the Go client and returns its path; undefined when there is no Go, or
 * none of the modules. Go's own caches make it quick but for the first time.
 */
export async function goClient(): Promise<string | undefined> {
  const found = await orSkip("Go, at least of the version in test/interop/go/go.mod, and its modules", async () => {
    await must("env", [...go, "version"]);
    await must("env", [...go, "mod", "download"], { timeoutMs: 180_000 });
    return true;
  });
  if (found === undefined) return undefined;
  const program = join(bin, "interop");
  await must("env", [...go, "build", "-o", program, "."], { timeoutMs: 300_000 });
  return program;
}
