import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { greeter } from "../../examples/greeter/greeter.ts";
import { run } from "../../src/cli/run.ts";
import { createMesh, file } from "../../src/index.ts";
import type { Component, Mesh, MeshOptions } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";

const program = join(import.meta.dirname, "../../src/cli/main.ts");

/** What a run of the command left behind. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command while it runs. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when it has ended. */
  readonly ended: Promise<Ran>;
  /** Waits until standard output has so many lines, and returns them. */
  readonly lines: (count: number) => Promise<readonly string[]>;
}

/** Options of {@link start} and {@link mesh}. */
export interface RunOptions {
  /** More of the environment. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** What standard input has. Default nothing. */
  readonly input?: string | undefined;
}

/** Starts the command. Its standard input stays open. */
export function start(args: readonly string[], { env = {} }: RunOptions = {}): Running {
  const { MESH_REGISTRY: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [program, ...args], { env: { ...inherited, ...env } });
  // A command that hangs must not outlive the test.
  const timer = setTimeout(() => child.kill("SIGKILL"), 40_000);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {
    // It may end without reading.
  });
  const ended = once(child, "close").then(([code]): Ran => {
    clearTimeout(timer);
    return { code: code as number | null, stdout, stderr };
  });
  return {
    child,
    ended,
    lines: async (count) => {
      const seen = (): readonly string[] => stdout.split("\n").slice(0, -1);
      await until(
        () => {
          if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`);
          return seen().length >= count;
        },
        { timeoutMs: 30_000, what: `${count} lines` },
      );
      return seen().slice(0, count);
    },
  };
}

/** Runs the command to its end. */
export function mesh(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { child, ended } = start(args, options);
  child.stdin.end(options.input ?? "");
  return ended;
}

/** The same as {@link mesh} without a process of its own, where the process does not matter. */
export async function inProcess(args: readonly string[], { env = {}, input = "" }: RunOptions = {}): Promise<Ran> {
  let stdout = "";
  let stderr = "";
  const code = await run(args, {
    env,
    stdin: () => Readable.from([input]),
    out: (text) => (stdout += text),
    err: (text) => (stderr += text),
    signal: new AbortController().signal,
  });
  return { code, stdout, stderr };
}

/** A file registry in a directory of its own, and meshes that are registered in it. */
export class World implements AsyncDisposable {
  readonly directory: string;
  readonly registry: ReturnType<typeof file>;
  readonly #meshes: Mesh[] = [];

  private constructor(directory: string) {
    this.directory = directory;
    this.registry = file({ directory: join(directory, "registry") });
  }

  static async make(): Promise<World> {
    return new World(await mkdtemp(join(tmpdir(), "cli-test-")));
  }

  /** In the form of `MESH_REGISTRY`. */
  get where(): string {
    return `file:${join(this.directory, "registry")}`;
  }

  /** Starts a mesh of one component, and returns the id and the address of its instance. */
  async host(
    component: Component = greeter(),
    options: MeshOptions = {},
  ): Promise<{ readonly id: string; readonly address: string; readonly mesh: Mesh }> {
    const { registry } = this;
    const mesh = createMesh({ registry, components: [component], listen: {}, drain: { drainDelayMs: 0 }, ...options });
    this.#meshes.push(mesh);
    await mesh.start();
    return { id: mesh.instanceId(component) ?? "", address: mesh.address ?? "", mesh };
  }

  /** Runs the command with this registry. */
  run(args: readonly string[], input?: string): Promise<Ran> {
    return mesh(args, { env: { MESH_REGISTRY: this.where }, input });
  }

  /** Runs it with this registry, without a process of its own. */
  inProcess(args: readonly string[], input?: string): Promise<Ran> {
    return inProcess(args, { env: { MESH_REGISTRY: this.where }, input });
  }

  /** Starts the command with this registry. */
  start(args: readonly string[]): Running {
    return start(args, { env: { MESH_REGISTRY: this.where } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const mesh of this.#meshes) await mesh.close(AbortSignal.abort());
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** The JSON values of lines. */
export function values(text: string): readonly unknown[] {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line) as unknown);
}
