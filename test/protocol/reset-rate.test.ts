import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { countInbound } from "../../src/protocol/inbound.ts";

// Minutes of calls, in no time. Nothing here waits: only the clock is read.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Plays seconds of a connection. Returns the second in which it was ended; undefined when it was not. */
function endedAfter(seconds: number, perSecond: { readonly answered: number; readonly reset: number }): number | undefined {
  let ended: number | undefined;
  let second = 0;
  const inbound = countInbound({}, { resets: 500, exceeded: () => (ended ??= second) });
  for (; second < seconds; second++) {
    if (ended !== undefined) break;
    for (let step = 0; step < 20; step++) {
      for (let n = 0; n < perSecond.answered / 20; n++) inbound.end(false);
      for (let n = 0; n < perSecond.reset / 20; n++) inbound.end(true);
      vi.advanceTimersByTime(50);
    }
  }
  return ended;
}

test.each([
  ["200 hedged calls of 3 copies a second, all to one server", 200, 400],
  ["the losers of 200 hedged calls a second, none of which wins", 0, 200],
  ["as many that are reset as are answered, however many", 5_000, 5_000],
])("a connection lives for five minutes with %s", (_what, answered, reset) => {
  expect(endedAfter(300, { answered, reset })).toBeUndefined();
});

test.each([
  ["5000 resets a second, in the first", 0, 5_000, 0],
  ["1500 resets a second, in the first", 0, 1_500, 0],
  ["1500 resets beside 200 answers a second, in the first", 200, 1_500, 0],
])("a connection is ended with %s", (_what, answered, reset, second) => {
  expect(endedAfter(300, { answered, reset })).toBe(second);
});

test("answers of the past leave nothing over for a flood", () => {
  let ended = 0;
  const inbound = countInbound({}, { resets: 500, exceeded: () => ended++ });
  for (let n = 0; n < 100_000; n++) inbound.end(false);
  for (let n = 0; n < 500; n++) inbound.end(true);
  expect(ended).toBe(0);
  inbound.end(true);
  expect(ended).toBe(1);
});

test.each([
  ["while handlers of reset requests still run, as a flood leaves them", 1, 0],
  ["while all that run are waited for, as a busy caller has them", 0, undefined],
])("a connection of which 3000 requests a second are refused, %s", (_what, left, end) => {
  let ended: number | undefined;
  let second = 0;
  const inbound = countInbound({}, { resets: 500, exceeded: () => (ended ??= second) });
  inbound.left = left;
  for (; second < 10; second++) {
    for (let n = 0; n < 3_000; n++) {
      inbound.refused();
      inbound.end(false);
    }
    vi.advanceTimersByTime(1_000);
  }
  expect(ended).toBe(end);
});
