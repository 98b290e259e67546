import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../support/pages.ts";
import { cached, must, orSkip } from "../../support/toolchain.ts";

const requirements = join(import.meta.dirname, "requirements.txt");

/** A Python with the packages of `requirements.txt`; undefined when there is none to be had. */
export async function python(): Promise<string | undefined> {
  return orSkip("Python 3 with venv, pip and its packages", async () => {
    const { stdout: version } = await must("python3", ["-c", "import sys; print(sys.version)"]);
    const wanted = await readFile(requirements, "utf8");
    const directory = await cached("python", [version, wanted], async (work) => {
      await must("python3", ["-m", "venv", work], { timeoutMs: 60_000 });
      const install = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--requirement", requirements];
      await must(join(work, "bin", "python"), install, { timeoutMs: 240_000 });
    });
    return join(directory, "bin", "python");
  });
}

/** Has grpcio's compiler make modules of the contracts in a directory. */
export async function generatePython(binary: string, to: string, ...contracts: readonly string[]): Promise<void> {
  const proto = join(root, "proto");
  const out = [`--python_out=${to}`, `--grpc_python_out=${to}`];
  await must(binary, ["-m", "grpc_tools.protoc", `--proto_path=${proto}`, ...out, ...contracts]);
}
