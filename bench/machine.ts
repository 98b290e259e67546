import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { root, versionOf } from "./install.ts";

/** Where and when something was measured, and what. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly os: string;
  readonly node: string;
  readonly date: string;
  /** The commit, with a plus when the tree had changes. */
  readonly commit: string;
  readonly versions: Readonly<Record<string, string>>;
}

const measured: readonly string[] = [
  "@bufbuild/protobuf",
  "@connectrpc/connect-fastify",
  "@connectrpc/connect-node",
  "@grpc/grpc-js",
  "@nestjs/microservices",
  "@trpc/server",
  "fastify",
  "moleculer",
  "undici",
];

/** This machine now. @param more versions that are not those of npm packages */
export function machine(more: Readonly<Record<string, string>> = {}): Machine {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const versions = Object.fromEntries(measured.map((name) => [name, versionOf(name) ?? "not installed"]));
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    versions: { "connect-mesh": version, ...versions, ...more },
  };
}

function commit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const changed = git("status", "--porcelain", "--", "src") !== "";
    return git("rev-parse", "--short", "HEAD") + (changed ? "+" : "");
  } catch {
    return "unknown";
  }
}
