import { create } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { codeName } from "../../src/cli/failure.ts";
import { fileRegistry } from "../../src/cli/files.ts";
import { inParallel } from "../../src/cli/in-parallel.ts";
import { timeoutMs } from "../../src/cli/options.ts";
import { aligned } from "../../src/cli/table.ts";
import { didYouMean } from "../../src/cli/usage-error.ts";

describe("what the command writes and reads", () => {
  it("aligns columns and shows empty cells as dashes", () => {
    expect(aligned([["A", "LONG", "C"], ["wide", "", "x\ty"]])).toBe("A     LONG  C\nwide  -     x y\n");
    expect(aligned([])).toBe("");
  });

  it.each([
    ["cal", "did you mean call?"],
    ["clal", "did you mean call?"],
    ["CALL", "did you mean call?"],
    ["helth", "did you mean health?"],
    ["x", undefined],
    ["", undefined],
    ["completely", undefined],
  ])("takes %j for %j", (typed, said) => {
    expect(didYouMean(typed, ["ls", "call", "health"])).toBe(said);
  });

  it("reads times", () => {
    expect(["1ms", "500ms", "0.5s", "5s", "2m", "1h"].map(timeoutMs)).toEqual([1, 500, 500, 5_000, 120_000, 3_600_000]);
    for (const text of ["", "5", "s", "-1s", "0ms", "1d", "5 s", "1e3s", "9999h"]) {
      expect(() => timeoutMs(text), text).toThrow("must be a time above 0");
    }
  });

  it("names codes as the protocols do", () => {
    expect(codeName(Code.DeadlineExceeded)).toBe("deadline_exceeded");
    expect(codeName(Code.Canceled)).toBe("canceled");
  });

  it("does at most so many things at once, and keeps their order", async () => {
    let running = 0;
    let most = 0;
    const squares = await inParallel([1, 2, 3, 4, 5], 2, async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return item * item;
    });
    expect(squares).toEqual([1, 4, 9, 16, 25]);
    expect(most).toBe(2);
  });

  it("takes files in any order, and says which import is missing", () => {
    const file = (name: string, ...dependency: readonly string[]) =>
      create(FileDescriptorProtoSchema, { name, dependency: [...dependency], syntax: "proto3" });
    const [a, b] = [file("a.proto", "b.proto"), file("b.proto")];
    expect([...fileRegistry([a, b]).files].map((of) => of.proto.name)).toEqual(["b.proto", "a.proto"]);
    expect(() => fileRegistry([a])).toThrow("a.proto imports b.proto, which is not there");
  });
});
