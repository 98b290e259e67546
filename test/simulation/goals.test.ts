import { describe, expect, test } from "vitest";
import { pursue } from "./goal.ts";
import { goals } from "./goals.ts";

/** Those that one seed takes a second for, or less. `npm run simulate` runs all, with all seeds. */
const quick = ["G1", "G3", "G4", "G5", "G5, cold", "G9", "Hang", "Zones", "Restart"];

describe("a simulated fleet, with the mesh's own code", () => {
  test.for(goals.filter(({ id }) => quick.includes(id)).map((goal) => [goal.id, goal] as const))(
    "reaches what is promised, and not without the feature: %s",
    async ([, goal]) => {
      const { variants, reached } = await pursue(goal, 1);
      const short = variants.map(({ name, role, held }) => ({ name, role, held }));
      const expected = goal.variants.map(({ name, role }, at) => ({
        name,
        role,
        held: role === "goal" ? 1 : role === "control" ? 0 : variants[at]?.held,
      }));
      expect(short).toEqual(expected);
      expect(reached).toBe(true);
    },
  );

  test("answers as much as it can under overload, with a limit, and nothing without", async () => {
    const overload = goals.find(({ id }) => id === "G6")!;
    const goodput = async (name: string): Promise<number> => {
      const trial = await overload.variants.find((variant) => variant.name === name)!.run(1);
      return trial.values["goodput"]!;
    };
    expect(await goodput("adaptive limit, all else by default")).toBeGreaterThan(0.9);
    expect(await goodput("no limit")).toBeLessThan(0.1);
  });
});
