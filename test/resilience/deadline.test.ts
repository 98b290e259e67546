import { Code, ConnectError } from "@connectrpc/connect";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deadlineAt, leftMs, propagatedMs } from "../../src/resilience/deadline.ts";

describe("a deadline", () => {
  test("is none where there is none", () => {
    expect(deadlineAt(undefined, 5)).toBeUndefined();
    expect(leftMs(undefined, 5)).toBeUndefined();
    expect(propagatedMs(undefined, undefined, 5)).toBeUndefined();
    expect(propagatedMs(70, undefined, 5)).toBe(70);
  });

  test("has what was not used of it, and never less than nothing", () => {
    const deadline = deadlineAt(100, 1_000);
    expect(leftMs(deadline, 1_000)).toBe(100);
    expect(leftMs(deadline, 1_040)).toBe(60);
    expect(leftMs(deadline, 1_100)).toBe(0);
    expect(leftMs(deadline, 9_999)).toBe(0);
  });

  test("bounds the calls that are made for a call", () => {
    const deadline = deadlineAt(100, 0);
    expect(propagatedMs(undefined, deadline, 40)).toBe(60);
    expect(propagatedMs(30, deadline, 40)).toBe(30);
    expect(propagatedMs(500, deadline, 40)).toBe(60);
    expect(propagatedMs(500, deadline, 99.9)).toBe(1);
  });

  test.each([100, 100.5, 1e9])("that is over ends such a call before it is made, at %s ms", (nowMs) => {
    expect(() => propagatedMs(undefined, deadlineAt(100, 0), nowMs)).toThrow(
      expect.objectContaining({ code: Code.DeadlineExceeded }),
    );
  });

  test("does not make a timeout of nothing longer", () => {
    expect(propagatedMs(0, deadlineAt(100, 0), 40)).toBe(0);
    expect(propagatedMs(-5, deadlineAt(100, 0), 40)).toBe(-5);
  });

  test("only shrinks from call to call, and never becomes none", () => {
    const steps = fc.array(fc.tuple(fc.option(fc.double({ min: 1, max: 1e4, noNaN: true })), fc.double({ min: 0, max: 2e3, noNaN: true })));
    const property = fc.property(fc.double({ min: 1, max: 1e4, noNaN: true }), steps, (first, hops) => {
      let [left, nowMs] = [first, 0];
      try {
        for (const [own, elapsed] of hops) {
          const deadline = deadlineAt(left, nowMs);
          nowMs += elapsed;
          const next = propagatedMs(own ?? undefined, deadline, nowMs);
          expect(next).toBeGreaterThanOrEqual(1);
          expect(next).toBeLessThanOrEqual(Math.max(1, left));
          left = next ?? Infinity;
        }
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error;
        expect(error.code).toBe(Code.DeadlineExceeded);
      }
    });
    fc.assert(property, { seed: 5, numRuns: 200 });
  });
});
