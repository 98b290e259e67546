import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { verbs } from "../../src/cli/verbs.ts";
import { inProcess, mesh } from "./cli.ts";

const names = ["ls", "call", "health", "openapi"];

describe("mesh, the help", () => {
  it("is what mesh prints with nothing, --help, -h and help, whatever the registry is", async () => {
    const all = await Promise.all(
      [[], ["--help"], ["-h"], ["help"]].map((args) => mesh(args, { env: { MESH_REGISTRY: "nonsense" } })),
    );
    for (const { code, stdout, stderr } of all) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toBe(all[0]?.stdout);
    }
    const help = all[0]?.stdout ?? "";
    for (const name of names) expect(help).toMatch(new RegExp(`^  ${name} +\\w`, "m"));
    expect(help).toContain("Usage: mesh VERB [OPTIONS]");
    expect(help).toContain("--registry WHERE");
    expect(help).toMatch(/^ {2}0 +all is well$/m);
    expect(help).toMatch(/^ {2}1 +the call or the check failed$/m);
    expect(help).toMatch(/^ {2}2 +the command line is wrong/m);
  });

  it.each(names)("of the verb %s names its options and the exit codes, and fits a terminal", async (name) => {
    const [{ code, stdout, stderr }, byVerb] = await Promise.all([
      mesh([name, "--help"]),
      mesh(["help", name]),
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(byVerb.stdout).toBe(stdout);
    expect(stdout).toContain(`Usage: mesh ${name} `);
    expect(stdout).toContain("Exit codes:");
    for (const option of verbs.find((verb) => verb.name === name)?.options ?? []) {
      expect(stdout).toMatch(new RegExp(`^ +(-\\w, )?--${option}\\b`, "m"));
    }
    expect(stdout.split("\n").filter((line) => line.length > 100)).toEqual([]);
  });

  it("comes with the package's version", async () => {
    const file = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8");
    const { version } = JSON.parse(file) as { version: string };
    expect(await mesh(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    expect(await mesh(["-V"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("mesh, with a command line that is wrong", () => {
  it.each([
    [["lss"], "there is no verb lss; did you mean ls?"],
    [["frobnicate"], "there is no verb frobnicate; mesh --help lists them"],
    [["help", "cal"], "there is no verb cal; did you mean call?"],
    [["ls", "--jsn"], "there is no option --jsn; did you mean --json?"],
    [["ls", "-x"], "there is no option -x; mesh VERB --help lists all"],
    [["ls", "--header", "a:b"], "mesh ls does not take --header; see mesh ls --help"],
    [["ls", "a", "b"], "too much follows: mesh ls [COMPONENT]; see mesh ls --help"],
    [["call"], "too little follows: mesh call PACKAGE.SERVICE/METHOD [MESSAGE...]; see mesh call --help"],
    [["ls", "--registry"], "--registry: needs a value"],
    [["ls", "--json=yes"], "--json: takes no value"],
    [["--json"], "--json is there, but no verb; see mesh --help"],
    [["ls", "--timeout", "5"], "--timeout 5: must be a time above 0, such as 500ms, 5s, 2m or 1h"],
    [["ls", "--registry", "etcd:"], '--registry is "etcd:"; use consul://host:port, file:DIR or memory:'],
    [["ls", "--registry", "memory:"], "--registry is memory:, which only its own process can look into"],
  ])("says what is wrong and what to do, and exits with 2: %j", async (args, message) => {
    const { code, stdout, stderr } = await inProcess(args);
    if (!args.some((arg) => arg.startsWith("--json"))) expect(stderr).toBe(`mesh: ${message}\n`);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("names the variable when the registry comes from there", async () => {
    const { code, stderr } = await mesh(["ls"], { env: { MESH_REGISTRY: "etcd:" } });
    expect(code).toBe(2);
    expect(stderr).toContain('MESH_REGISTRY is "etcd:"');
  });

  it("says so in JSON with --json", async () => {
    const { code, stdout, stderr } = await mesh(["lss", "--json"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(JSON.parse(stderr)).toEqual({
      code: "usage",
      message: "there is no verb lss; did you mean ls?",
      details: [],
    });
  });
});
