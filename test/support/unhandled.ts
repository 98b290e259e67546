import { afterAll, beforeAll, expect } from "vitest";

/** Fails the file when something in its process was thrown or rejected and nobody caught it. */
export function nothingUnhandled(): void {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => {
    unhandled.push(error);
  };
  beforeAll(() => {
    process.on("unhandledRejection", note);
    process.on("uncaughtException", note);
  });
  afterAll(async () => {
    // Rejections are reported once the microtasks are through.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    process.off("uncaughtException", note);
    expect(unhandled).toEqual([]);
  });
}
