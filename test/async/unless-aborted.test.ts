import { describe, expect, test } from "vitest";
import { unlessAborted } from "../../src/async/unless-aborted.ts";

describe("unlessAborted", () => {
  test("is what the promise becomes when nothing aborts", async () => {
    const { signal } = new AbortController();
    expect(await unlessAborted(Promise.resolve(1), signal)).toBe(1);
    await expect(unlessAborted(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
  });

  test("rejects with the reason when the signal aborts first, or has aborted", async () => {
    const stop = new AbortController();
    const waiting = unlessAborted(new Promise(() => {}), stop.signal);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(unlessAborted(Promise.resolve(1), stop.signal)).rejects.toThrow("enough");
  });

  test("ignores a promise that fails after the signal aborted", async () => {
    const stop = new AbortController();
    let fail = (_error: Error): void => {};
    const waiting = unlessAborted(new Promise((_resolve, reject) => (fail = reject)), stop.signal);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    fail(new Error("late"));
  });
});
