import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { consul } from "../src/index.ts";
import { until, within } from "../src/testing/until.ts";
import { hasConsul, startConsul } from "./support/consul-agent.ts";
import { anchorsOf, type Block, blocksOf, fileName, pages, proseOf, read, root } from "./support/pages.ts";

const run = promisify(execFile);
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

const all = pages.flatMap(blocksOf);
const typescript = all.filter(({ language, words }) => language === "ts" && !words.includes("fragment"));
const runnable = typescript.filter(({ words }) => words.includes("run"));
/** Pages that describe a project: a contract, how to compile it, and code that uses it. */
const projects = [...new Set(all.filter(({ language }) => language === "proto").map(({ page }) => page))];

/** Where the blocks become files. It is inside the repository, so that Node finds the libraries. */
let work: string;

/** The directory of a page's project, or the one that all other blocks share. */
function directoryOf(page: string): string {
  return join(work, projects.includes(page) ? page.replaceAll(/\W/g, "-") : "");
}

function pathOf(block: Block): string {
  const name = fileName(block) ?? `${block.page.replaceAll(/\W/g, "-")}-line-${block.line}.ts`;
  return join(directoryOf(block.page), name);
}

/** The block with what `connect-mesh` and, outside of projects, `./gen` stand for here. */
function source(block: Block): string {
  const to = (path: string): string => relative(dirname(pathOf(block)), join(root, path));
  const text = block.text
    .replaceAll('"connect-mesh"', JSON.stringify(to("src/index.ts")))
    .replaceAll('"connect-mesh/testing"', JSON.stringify(to("src/testing/index.ts")));
  return projects.includes(block.page) ? text : text.replaceAll('"./gen/', `"${to("gen")}/`);
}

/** What a runnable block must print: the `text` block behind it. */
function expected(block: Block): string {
  const next = all[all.indexOf(block) + 1];
  if (next?.language !== "text" || next.page !== block.page) {
    throw new Error(`${block.page}:${block.line}: no text block says what this prints`);
  }
  return next.text;
}

/** The environment of a block that runs: registries of its own, no colours. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, MESH_REGISTRY: `file:${join(work, "registry")}`, NO_COLOR: "1" };
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

beforeAll(async () => {
  await mkdir(join(root, ".cache"), { recursive: true });
  work = await mkdtemp(join(root, ".cache", "docs-"));
  for (const block of typescript) await put(pathOf(block), source(block));
  for (const page of projects) {
    const directory = directoryOf(page);
    for (const block of all) {
      if (block.page === page && /^(proto|yaml)$/.test(block.language)) await put(pathOf(block), block.text);
    }
    // As it is in the package.
    const installed = join(directory, "node_modules", "connect-mesh", "proto");
    cpSync(join(root, "proto", "mesh"), join(installed, "mesh"), { recursive: true });
    await run(bin("buf"), ["generate"], {
      cwd: directory,
      env: { ...process.env, PATH: `${dirname(bin("buf"))}:${process.env["PATH"] ?? ""}` },
      timeout: 60_000,
    });
  }
});

afterAll(async () => {
  await rm(work, { recursive: true, force: true });
});

describe("the code in README and docs", () => {
  it("type-checks", async () => {
    await put(
      join(work, "tsconfig.json"),
      JSON.stringify({
        extends: "../../tsconfig.json",
        // Examples may leave types to inference, and stop before they use everything.
        compilerOptions: { isolatedDeclarations: false, declaration: false, noUnusedLocals: false },
        include: ["**/*.ts"],
        exclude: ["**/node_modules"],
      }),
    );
    const found = await run(bin("tsc"), ["-p", work, "--pretty", "false"], { timeout: 120_000 }).then(
      () => "",
      ({ stdout, message }: { stdout?: string; message: string }) => stdout || message,
    );
    expect(found).toBe("");
    expect(typescript.length).toBeGreaterThan(10);
  });

  it.for(runnable.map((block) => [`${block.page}:${block.line}`, block] as const))(
    "prints what the page says: %s",
    async ([, block]) => {
      const { stdout, stderr } = await run(process.execPath, [pathOf(block)], {
        cwd: directoryOf(block.page),
        env: environment(),
        timeout: 30_000,
      });
      expect(stdout).toBe(expected(block));
      expect(stderr).toBe("");
    },
  );

  it("is a server and a client that find each other, in the README", async () => {
    const directory = directoryOf("README.md");
    const server: ChildProcess = spawn(process.execPath, ["server.ts"], {
      cwd: directory,
      env: environment(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    server.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
    const ended = once(server, "exit");
    try {
      await until(() => output.startsWith("listening at http:"), { timeoutMs: 30_000, what: "the server" });
      const { stdout } = await run(process.execPath, ["client.ts"], {
        cwd: directory,
        env: environment(),
        timeout: 30_000,
      });
      const said = all.find(({ language, words }) => language === "text" && words.includes("client.ts"));
      expect(stdout).toBe(said?.text);
      server.kill("SIGTERM");
      expect(await within(() => ended, { timeoutMs: 30_000, what: "the server's end" })).toEqual([0, null]);
    } finally {
      server.kill("SIGKILL");
      await ended;
    }
  });

  it.for(all.filter(({ language }) => language === "sh").map((block) => [`${block.page}:${block.line}`, block] as const))(
    "is a shell script that can be run: %s",
    async ([, { text }]) => {
      await run("sh", ["-n", "-c", text], { timeout: 10_000 });
      const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
      for (const [, name = "test"] of text.matchAll(/npm (?:run (\S+)|test)/g)) expect(scripts).toHaveProperty(name);
    },
  );

  it.skipIf(!hasConsul)("registers a service by hand, so that the mesh finds it", async () => {
    const block = all.find((one) => fileName(one) === "service.json");
    await using agent = await startConsul();
    const definition: unknown = JSON.parse(block?.text ?? "");
    expect((await agent.api("PUT", "/v1/agent/service/register", definition)).status).toBe(200);
    const target = { service: "greet.v1.GreetService", component: "greeter" };
    const look = new AbortController();
    const watch = consul({ address: agent.address }).watch(target, look.signal);
    try {
      const found = await within(
        async () => {
          for await (const { instances } of watch) if (instances.length > 0) return instances;
          return [];
        },
        { timeoutMs: 20_000, what: "the instance" },
      );
      expect(found).toMatchObject([{ version: "2.1.0", channels: { grpc: "http://10.0.0.7:50051" } }]);
    } finally {
      look.abort();
    }
  });
});

describe("README and docs", () => {
  it.for(pages)("has no link into nowhere: %s", (page) => {
    const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => to);
    const broken = links.filter((to) => {
      if (to.startsWith("https://")) return false;
      const [path = "", anchor] = to.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it("are short, and the README leads to every page", () => {
    const lines = (page: string): number => read(page).split("\n").length - 1;
    expect(lines("README.md")).toBeLessThanOrEqual(200);
    const docs = pages.filter((page) => page.startsWith("docs/"));
    expect(docs.filter((page) => lines(page) >= 150)).toEqual([]);
    expect(docs.filter((page) => !read("README.md").includes(`](${page})`))).toEqual([]);
  });

  it("name every event and every reason", () => {
    const page = read("docs/errors-and-events.md");
    const events = [...read("src/events.ts").matchAll(/^ {2}"([a-z.]+)": \{/gm)];
    const reasons = [...read("src/error.ts").matchAll(/^ {2}\| "([A-Z_]+)"/gm)];
    expect(events.length).toBeGreaterThan(5);
    expect(reasons.length).toBeGreaterThan(5);
    const missing = [...events, ...reasons].filter(([, name]) => !page.includes(`| \`${name}\` |`));
    expect(missing.map(([, name]) => name)).toEqual([]);
  });

  it("name only source files that exist", () => {
    const named = pages.flatMap((page) =>
      [...proseOf(page).matchAll(/`([\w./-]+\/[\w.-]+\.(?:ts|proto))`/g)].map(([, path = ""]) => path),
    );
    expect(named.length).toBeGreaterThan(20);
    const users = all.map(fileName);
    const places = ["", "src", "proto"];
    const missing = named.filter(
      (path) => !path.startsWith("gen/") && !users.includes(path) && !places.some((place) => existsSync(join(root, place, path))),
    );
    expect(missing).toEqual([]);
  });

  it("name every folder of src, and every file beside them", () => {
    const page = read("docs/architecture.md");
    const entries = readdirSync(join(root, "src"), { withFileTypes: true });
    const names = entries.map((entry) => `\`${entry.name}${entry.isDirectory() ? "/" : ""}\``);
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !page.includes(name))).toEqual([]);
  });

  it("publish the contract options that they tell users to import", () => {
    const { files } = JSON.parse(read("package.json")) as { files: readonly string[] };
    expect(files).toContain("proto/mesh");
  });
});
