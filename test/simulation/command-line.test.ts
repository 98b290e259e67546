import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { scenarios } from "../faults/catalogue.ts";
import { goals } from "./goals.ts";

const scripts = join(import.meta.dirname, "../../scripts");

/** What a script said and ended with. Nothing of this plays anything, which would take minutes. */
function said(script: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(scripts, script), ...args], { encoding: "utf8", timeout: 30_000 });
  return { status, out: stdout.trimEnd().split("\n"), mistakes: stderr.trimEnd().split("\n") };
}

describe.each([
  ["faults.ts", "scenario", scenarios],
  ["simulate.ts", "goal", goals],
])("%s", (script, noun, known) => {
  test("explains itself", () => {
    const { status, out, mistakes } = said(script, "--help");
    expect([status, mistakes]).toEqual([0, [""]]);
    expect(out[0]).toMatch(/^npm run \w+ -- \[/);
    for (const { id, title } of known) expect(out.some((line) => line.startsWith(`  ${id} `) && line.endsWith(title))).toBe(true);
  });

  test("refuses an unknown option in one line", () => {
    const { status, out, mistakes } = said(script, "--colour");
    expect([status, out]).toEqual([2, [""]]);
    expect(mistakes).toEqual([expect.stringMatching(/^Unknown option '--colour'.*; see npm run \w+ -- --help$/)]);
  });

  test("names what there is, one a line, when something is not", () => {
    const { status, out, mistakes } = said(script, "F3", "X9");
    expect([status, out]).toEqual([2, [""]]);
    const missing = noun === "goal" ? "F3" : "X9";
    expect(mistakes).toEqual([`there is no ${noun} '${missing}'; there are:`, ...known.map(({ id }) => `  ${id}`)]);
  });
});

test.each(["0", "abc", "-1", "1.5", ""])("simulate.ts refuses '%s' seeds", (seeds) => {
  const { status, out, mistakes } = said("simulate.ts", "G7", `--seeds=${seeds}`);
  expect([status, out]).toEqual([2, [""]]);
  expect(mistakes).toEqual([`--seeds takes a whole number of 1 or more, not '${seeds}'; see npm run simulate -- --help`]);
});

test("faults.ts has no seeds", () => {
  const { status, mistakes } = said("faults.ts", "F28", "--seeds", "2");
  expect([status, mistakes]).toEqual([2, ["Unknown option '--seeds'; see npm run faults -- --help"]]);
});
