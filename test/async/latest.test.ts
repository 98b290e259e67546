import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { Latest } from "../../src/async/latest.ts";
import { within } from "../../src/testing/until.ts";

describe("Latest", () => {
  it("has no value before the first", () => {
    const latest = new Latest<number>();
    expect(latest.value).toBeUndefined();
    latest.set(1);
    expect(latest.value).toBe(1);
  });

  it("yields the current value at once and then each later one", async () => {
    const latest = new Latest<number>();
    const reader = latest.read(new AbortController().signal);
    latest.set(1);
    expect(await reader.next()).toEqual({ done: false, value: 1 });
    const next = reader.next();
    latest.set(2);
    expect(await next).toEqual({ done: false, value: 2 });
  });

  it("waits for the first value", async () => {
    const latest = new Latest<undefined>();
    const first = latest.read(new AbortController().signal).next();
    latest.set(undefined);
    expect(await within(() => first)).toEqual({ done: false, value: undefined });
  });

  it("skips what a slow reader did not see", async () => {
    const latest = new Latest<number>();
    const reader = latest.read(new AbortController().signal);
    latest.set(1);
    await reader.next();
    for (let value = 2; value <= 5; value++) latest.set(value);
    expect(await reader.next()).toEqual({ done: false, value: 5 });
  });

  it("yields a value again when it is set again", async () => {
    const latest = new Latest<number>();
    const reader = latest.read(new AbortController().signal);
    latest.set(1);
    await reader.next();
    latest.set(1);
    expect(await within(() => reader.next())).toEqual({ done: false, value: 1 });
  });

  it("serves many readers, each at its own pace", async () => {
    const latest = new Latest<number>();
    const { signal } = new AbortController();
    const [slow, fast] = [latest.read(signal), latest.read(signal)];
    latest.set(1);
    expect((await fast.next()).value).toBe(1);
    latest.set(2);
    expect((await fast.next()).value).toBe(2);
    expect((await slow.next()).value).toBe(2);
  });

  it("ends a waiting reader when its signal aborts, and no other", async () => {
    const latest = new Latest<number>();
    const stop = new AbortController();
    const ends = latest.read(stop.signal).next();
    const stays = latest.read(new AbortController().signal).next();
    stop.abort();
    expect(await within(() => ends)).toEqual({ done: true, value: undefined });
    latest.set(1);
    expect(await within(() => stays)).toEqual({ done: false, value: 1 });
  });

  it("yields nothing when the signal has aborted already", async () => {
    const latest = new Latest<number>();
    latest.set(1);
    expect((await latest.read(AbortSignal.abort()).next()).done).toBe(true);
  });

  it("shows the newest value to each reader before it ends them", async () => {
    const latest = new Latest<number>();
    const reader = latest.read(new AbortController().signal);
    const waiting = latest.read(new AbortController().signal);
    latest.set(1);
    await waiting.next();
    const end = waiting.next();
    latest.end();
    latest.set(2);
    expect((await within(() => end)).done).toBe(true);
    expect(await reader.next()).toEqual({ done: false, value: 1 });
    expect((await reader.next()).done).toBe(true);
  });

  it("leaves no listener on the signal", async () => {
    const latest = new Latest<number>();
    const { signal } = new AbortController();
    const reader = latest.read(signal);
    for (let value = 0; value < 20; value++) {
      const next = reader.next();
      latest.set(value);
      await next;
    }
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});
