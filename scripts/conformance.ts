/**
 * Runs Connect's official conformance suite against the server and the client:
 * `npm run conformance`. The first argument may be `server` or `client` to run
 * one of them; all others go to the runner, such as `--run 'Basic/**'` or
 * `--trace`. Needs Go to build the runner once, into `.cache/go/bin`; without
 * Go nothing is run, which is said loudly and is no error.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { projectPath, root } from "./run.ts";

const version = "v1.0.5";
const module = "connectrpc.com/conformance/cmd/connectconformance";
const bin = join(root, ".cache", "go", "bin");
const runner = join(bin, "connectconformance");

const modes = ["server", "client"] as const;

/** Whether a command can be run at all. */
function works(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** The version of the runner that is there already. */
function installed(): string {
  return spawnSync(runner, ["--version"], { encoding: "utf8" }).stdout ?? "";
}

/** Builds the runner unless it is there. Returns whether it is there now. */
function install(): boolean {
  if (installed().includes(version)) return true;
  if (!works("go", "version")) return false;
  mkdirSync(bin, { recursive: true });
  console.log(`> go install ${module}@${version}`);
  const { status } = spawnSync("go", ["install", `${module}@${version}`], {
    stdio: "inherit",
    env: { ...process.env, GOBIN: bin },
  });
  if (status === 0) return true;
  console.error("The conformance runner could not be built; is the Go module proxy in reach?");
  process.exit(1);
}

function run(mode: (typeof modes)[number], args: readonly string[]): boolean {
  const folder = join("test", "conformance");
  const command = [
    "--mode",
    mode,
    "--conf",
    join(folder, `${mode}.yaml`),
    // The runner gives a server little time to start, and each of them is a Node process.
    "--max-servers",
    "2",
    ...args,
    "--",
    process.execPath,
    join(folder, `${mode}.ts`),
  ];
  console.log(`> connectconformance ${command.join(" ")}`);
  const { status } = spawnSync(runner, command, {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      PATH: projectPath(),
      NODE_COMPILE_CACHE: join(root, ".cache", "node-compile"),
    },
  });
  return status === 0;
}

if (install()) {
  const [first, ...rest] = process.argv.slice(2);
  const chosen = modes.filter((mode) => mode === first);
  const args = chosen.length > 0 ? rest : process.argv.slice(2);
  const failed = (chosen.length > 0 ? chosen : modes).filter((mode) => !run(mode, args));
  if (failed.length > 0) {
    console.error(`The ${failed.join(" and the ")} failed conformance cases.`);
    process.exitCode = 1;
  }
} else {
  console.error("\n*** No Go: THE CONFORMANCE SUITE WAS NOT RUN. Install Go 1.25 or later: https://go.dev/dl ***\n");
}
