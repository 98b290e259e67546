// aspyx-service, measured as its own benchmark does: FastAPI on uvicorn, its own
// client, its four remote channels, calls one after another.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Cell, Measured } from "./cell.ts";
import { cache } from "./install.ts";
import { PythonProcess } from "./python-process.ts";
import type { Runner } from "./runner.ts";
import type { Usage } from "./worker.ts";

const release = "aspyx-service==0.11.4";
const folder = join(cache, "python");
const python = join(folder, "bin", "python");

/** Its channels by the key of the contender. */
const channels: Readonly<Record<string, string>> = {
  "aspyx-rest": "rest",
  "aspyx-json": "dispatch-json",
  "aspyx-msgpack": "dispatch-msgpack",
  "aspyx-protobuf": "dispatch-protobuf",
};

/** Keys of its contenders. */
export const aspyxKeys: readonly string[] = Object.keys(channels);

/**
 * Installs the package into an environment of its own, once. Returns the versions
 * of what it brings, or undefined, with a word on stderr, where that cannot be.
 */
export function installAspyx(): Readonly<Record<string, string>> | undefined {
  if (!installed()) {
    process.stderr.write(`installing ${release}\n`);
    mkdirSync(cache, { recursive: true });
    const done = run("python3", "-m", "venv", folder) && run(python, "-m", "pip", "install", "--quiet", release);
    if (!done || !installed()) {
      process.stderr.write(
        `\n*** ${release} COULD NOT BE INSTALLED: its channels are left out. It needs Python 3.9 or later with ` +
          "venv, and a package index in reach; what went wrong is above.\n\n",
      );
      return undefined;
    }
  }
  const list = spawnSync(python, ["-m", "pip", "list", "--format=json"], { encoding: "utf8" }).stdout;
  const wanted = new Set(["aspyx-service", "fastapi", "uvicorn", "httpx"]);
  const packages = JSON.parse(list) as readonly { name: string; version: string }[];
  const found = packages.map(({ name, version }) => [name.replace("_", "-"), version] as const);
  const of = spawnSync(python, ["--version"], { encoding: "utf8" }).stdout.trim().split(" ").at(-1) ?? "unknown";
  return { python: of, ...Object.fromEntries(found.filter(([name]) => wanted.has(name))) };
}

function installed(): boolean {
  return existsSync(python) && spawnSync(python, ["-c", "import aspyx_service"], { stdio: "ignore" }).status === 0;
}

function run(command: string, ...args: readonly string[]): boolean {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (error !== undefined) process.stderr.write(`${error.message}\n`);
  return status === 0;
}

/** Starts one server and one client. @param calls how many each measurement makes */
export async function startAspyx(keys: readonly string[], calls: number): Promise<readonly Runner[]> {
  const server = new PythonProcess(python, "server.py");
  const { address } = await server.read<{ address: string }>().catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  const client = new PythonProcess(python, "client.py", address);
  const open = new Set(keys);
  const close = async (key: string): Promise<void> => {
    if (open.delete(key) && open.size === 0) await Promise.all([client.close(), server.close()]);
  };
  const usage = (): Promise<readonly Usage[]> =>
    Promise.all([server, client].map((side) => side.ask<Usage>({ do: "usage" })));
  return keys.map((key) => {
    const channel = channels[key];
    const call = (message: string, count: number): Promise<Measured> =>
      client.ask<Measured>({ do: "measure", channel, message, count });
    return {
      key,
      name: `aspyx ${channel}`,
      takes: ({ kind, message, inFlight }: Cell) =>
        kind === "unary" && inFlight === 1 && (message === "hello" || message === "record"),
      // Its own benchmark makes a single call beforehand; it gets a few more here.
      warm: async ({ message }) => void (await call(message, 50)),
      async measure({ message }) {
        const before = await usage();
        const seen = await call(message, calls);
        const after = await usage();
        const us = (at: number): number => (((after[at]?.cpuMs ?? 0) - (before[at]?.cpuMs ?? 0)) * 1_000) / calls;
        const [served, called] = after;
        return {
          ...seen,
          serverUs: us(0),
          clientUs: us(1),
          serverRssMb: served?.rssMb ?? 0,
          clientRssMb: called?.rssMb ?? 0,
        };
      },
      close: () => close(key),
    };
  });
}
