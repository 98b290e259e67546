import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const src = join(root, "src");

/** The layers from the bottom up: a file imports from its own row or from those above it here. */
const layers: readonly (readonly string[])[] = [
  ["gen"],
  ["async", "contract", "error.ts", "events.ts"],
  ["codec", "registry", "balancer"],
  ["protocol"],
  ["channel", "resilience", "health"],
  ["component"],
  ["client", "server", "reflection", "validation", "openapi"],
  ["mesh.ts", "mesh-options.ts"],
  ["testing", "cli"],
  ["index.ts"],
];

/** Libraries that one folder wraps for all others. Connect and protobuf-es are the common language. */
const commonLanguage = new Set(["@connectrpc/connect", "@bufbuild/protobuf"]);

interface Import {
  readonly from: string;
  readonly to: string;
}

function sources(): readonly string[] {
  return readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(src, name));
}

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(file, "utf8");
  const found = text.matchAll(/(?:from|import\()\s*"([^"]+)"/g);
  return [...found].map(([, to]) => ({ from: file, to: to ?? "" }));
}

/** `client`, `mesh.ts`, `gen`, …: the entry of {@link layers} that a file belongs to. */
function roomOf(file: string): string {
  const path = relative(root, file);
  const [top = "", next = ""] = path.split("/");
  return top === "src" ? next : top;
}

function layerOf(file: string): number {
  return layers.findIndex((rooms) => rooms.includes(roomOf(file)));
}

function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

const all = sources();
const imports = all.flatMap(importsOf);

describe("architecture", () => {
  test("every file lives in a layer", () => {
    expect(all.filter((file) => layerOf(file) === -1)).toEqual([]);
    expect(all.length).toBeGreaterThan(30);
  });

  test("imports go down the layers only", () => {
    const wrong = imports
      .filter(({ to }) => to.startsWith("."))
      .map(({ from, to }) => ({ from, to: resolve(dirname(from), to) }))
      .filter(({ from, to }) => layerOf(to) > layerOf(from))
      .map(({ from, to }) => `${relative(root, from)} → ${relative(root, to)}`);
    expect(wrong).toEqual([]);
  });

  test("each third-party library is imported in one folder", () => {
    const folders = new Map<string, Set<string>>();
    for (const { from, to } of imports) {
      if (to.startsWith(".") || to.startsWith("node:")) continue;
      const name = packageOf(to);
      if (commonLanguage.has(name)) continue;
      folders.set(name, (folders.get(name) ?? new Set()).add(relative(src, dirname(from))));
    }
    const spread = [...folders].filter(([name, where]) => name !== "fastify" && where.size > 1);
    expect(spread.map(([name, where]) => `${name}: ${[...where].join(", ")}`)).toEqual([]);
    expect([...folders.keys()].sort()).toEqual([
      "@bufbuild/protovalidate",
      "@connectrpc/connect-node",
      "consul",
      "fastify",
      "undici",
    ]);
  });

  test("only the server folder runs Fastify; the mesh shows its type", () => {
    const values = all.filter((file) =>
      /^import (?!type).* from "fastify"/m.test(readFileSync(file, "utf8")),
    );
    expect(values.map(roomOf)).toEqual(["server"]);
  });

  test("Connect's private protocol parts stay in one folder", () => {
    const outside = imports
      .filter(({ to }) => to.startsWith("@connectrpc/connect/protocol-"))
      .filter(({ from }) => roomOf(from) !== "protocol");
    expect(outside).toEqual([]);
  });

  test("files are about one thing: none over 300 lines, the median at most 100", () => {
    const sizes = all
      .map((file) => ({ file: relative(root, file), lines: readFileSync(file, "utf8").split("\n").length }))
      .sort((a, b) => a.lines - b.lines);
    expect(sizes.filter(({ lines }) => lines > 301)).toEqual([]);
    expect(sizes[Math.floor(sizes.length / 2)]?.lines).toBeLessThanOrEqual(101);
  });

  test("names are kebab-case, and nothing is a default export, enum or decorator", () => {
    for (const file of all) {
      expect(relative(src, file)).toMatch(/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/);
      const text = readFileSync(file, "utf8");
      expect(text, file).not.toMatch(/^export default|^\s*(export )?(const )?enum |^\s*@[a-z]\w*\(/m);
    }
  });
});
