import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { elsewhere, scenarios } from "./catalogue.ts";
import { play } from "./scenario.ts";

/** Those that take a few seconds and leave the machine to others; `npm run faults` plays all. */
const quick = ["F10", "F21", "F25", "F28"];

describe("faults, with real processes", { timeout: 90_000 }, () => {
  test.for(scenarios.filter(({ id }) => quick.includes(id)).map((scenario) => [scenario.id, scenario.title, scenario] as const))(
    "%s: %s",
    async ([, , scenario]) => {
      const { counts, control, error } = await play(scenario);
      expect(error).toBeUndefined();
      expect({ ...counts, holds: scenario.holds(counts) }).toEqual({ ...counts, holds: true });
      // Without what prevents it, it must happen: else nothing is shown.
      expect({ ...control, holds: scenario.holds(control) }).toEqual({ ...control, holds: false });
    },
  );
});

describe("the catalogue of faults", () => {
  test("has each of F1 to F40 once", () => {
    const ids = [...scenarios, ...elsewhere].map(({ id }) => id);
    expect(ids.toSorted()).toEqual([...new Set(ids)].toSorted());
    const wanted = Array.from({ length: 40 }, (_, at) => `F${at + 1}`);
    expect(wanted.filter((id) => !ids.includes(id))).toEqual([]);
  });

  test("names only tests that exist, and says why there are none", () => {
    const paths = elsewhere.flatMap(({ tests }) => tests);
    expect(paths.filter((path) => !existsSync(join(import.meta.dirname, "../..", path)))).toEqual([]);
    expect(elsewhere.filter(({ tests, missing }) => tests.length === 0 && missing === undefined)).toEqual([]);
  });
});
