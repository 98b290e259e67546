import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { maxTimerMs, sleep } from "../../src/async/sleep.ts";
import { within } from "../../src/testing/until.ts";

describe("sleep", () => {
  it("resolves to true when the time passed", async () => {
    const before = performance.now();
    expect(await sleep(30)).toBe(true);
    // A timer may fire up to a millisecond early.
    expect(performance.now() - before).toBeGreaterThanOrEqual(28);
  });

  it("resolves to false when the signal aborts, long before the time passed", async () => {
    const stop = new AbortController();
    const slept = sleep(600_000, stop.signal);
    stop.abort(new Error("must not come out"));
    expect(await within(() => slept)).toBe(false);
  });

  it("resolves to false when the signal has aborted already", async () => {
    expect(await sleep(0, AbortSignal.abort())).toBe(false);
  });

  it("leaves no listener on the signal", async () => {
    const { signal } = new AbortController();
    await sleep(1, signal);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("holds times that are longer than a Node timer can hold", async () => {
    const stop = new AbortController();
    // Without the limit, Node would fire after a millisecond.
    const slept = sleep(maxTimerMs * 4, stop.signal);
    expect(await Promise.race([slept, sleep(50).then(() => "still asleep")])).toBe("still asleep");
    stop.abort();
    expect(await slept).toBe(false);
  });

  it("does not keep the process alive", async () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((of) => of === "Timeout").length;
    const stop = new AbortController();
    const before = timers();
    const slept = sleep(600_000, stop.signal);
    expect(timers()).toBe(before);
    stop.abort();
    await slept;
  });
});
