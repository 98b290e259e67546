import { getEventListeners } from "node:events";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { HedgingPolicy } from "../../src/contract/policy.ts";
import { local } from "../../src/protocol/progress.ts";
import { RetryBudget } from "../../src/resilience/budget.ts";
import { hedge } from "../../src/resilience/hedge.ts";
import type { HedgeVerdict } from "../../src/resilience/hedge.ts";
import { pushbackHeader } from "../../src/resilience/pushback.ts";
import { Quantile } from "../../src/resilience/quantile.ts";
import { RetryGuard } from "../../src/resilience/retry-guard.ts";
import { RetryThrottle } from "../../src/resilience/throttle.ts";
import { seeded, VirtualClock } from "./virtual.ts";

/** What an attempt does: after so many ms it answers or fails; without a time it hangs until it is aborted. */
interface Script {
  readonly afterMs?: number;
  /** It waits for a peer from here... */
  readonly lostMs?: number;
  /** ...until here. */
  readonly peerMs?: number;
  readonly code?: Code;
  readonly pushback?: string;
  /** It fails on the client's own side. */
  readonly local?: boolean;
}

/** What happened to each attempt, and when. */
interface Attempt {
  readonly startMs: number;
  endMs?: number;
  abortedMs?: number;
  reason?: unknown;
}

interface Outcome {
  readonly attempts: readonly Attempt[];
  /** What was told of failures: by whom, what followed, after how long. */
  readonly told: ReadonlyArray<readonly [number, HedgeVerdict["next"], number | undefined]>;
  readonly endMs: number;
  readonly answer?: number | undefined;
  readonly error?: ConnectError | undefined;
}

interface Init {
  readonly policy?: Partial<HedgingPolicy>;
  readonly throttle?: RetryThrottle;
  readonly budget?: RetryBudget;
  readonly latency?: Quantile;
  readonly cancelMs?: number;
  readonly deadlineMs?: number;
}

/** Makes a hedged call whose attempts follow scripts, in virtual time. The answer is the attempt's index. */
async function call(scripts: readonly Script[], init: Init = {}): Promise<Outcome> {
  const clock = new VirtualClock();
  const attempts: Attempt[] = [];
  const told: Array<[number, HedgeVerdict["next"], number | undefined]> = [];
  const caller = new AbortController();
  if (init.cancelMs !== undefined) clock.after(init.cancelMs, () => { caller.abort(new ConnectError("over", Code.Canceled)); });
  const run = (signal: AbortSignal, index: number, waits: (waiting: boolean) => void): Promise<number> => {
    const attempt: Attempt = { startMs: clock.now() };
    attempts.push(attempt);
    const script = scripts[index] ?? {};
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => {
        attempt.abortedMs = clock.now();
        attempt.reason = signal.reason;
        reject(signal.reason as Error);
      });
      const { lostMs = 0, peerMs } = script;
      if (lostMs > 0) clock.after(lostMs, () => { waits(true); });
      else if (peerMs !== undefined) waits(true);
      if (peerMs !== undefined) clock.after(peerMs, () => { waits(false); });
      if (script.afterMs === undefined) return;
      clock.after(script.afterMs, () => {
        attempt.endMs = clock.now();
        const header = script.pushback === undefined ? {} : { [pushbackHeader]: script.pushback };
        if (script.code === undefined) {
          resolve(index);
          return;
        }
        const error = new ConnectError(`attempt ${index}`, script.code, header);
        reject(script.local === true ? local(error) : error);
      });
    });
  };
  let outcome: Partial<Outcome> = {};
  const ended = hedge(run, {
    policy: { maxAttempts: 4, delayMs: 500, nonFatalCodes: [Code.Unavailable, Code.Internal, Code.Aborted], ...init.policy },
    guard: new RetryGuard(init.budget ?? new RetryBudget({ minPerSecond: 1_000 }), init.throttle),
    signal: caller.signal,
    left: () => (init.deadlineMs ?? Infinity) - clock.now(),
    latency: init.latency,
    followed: (index, { next, afterMs }) => told.push([index, next, afterMs]),
    now: clock.now,
    sleep: clock.sleep,
  }).then(
    (answer) => (outcome = { answer, endMs: clock.now() }),
    (error: unknown) => (outcome = { error: ConnectError.from(error), endMs: clock.now() }),
  );
  await clock.run();
  await ended;
  return { attempts, told, endMs: -1, ...outcome };
}

/** A quantile that also remembers each time. */
class Recorder extends Quantile {
  readonly times: number[] = [];
  override record(ms: number): void {
    this.times.push(ms);
    super.record(ms);
  }
}

const starts = ({ attempts }: Outcome): readonly number[] => attempts.map(({ startMs }) => startMs);

describe("hedge", () => {
  test("sends one attempt where that is answered in time", async () => {
    const outcome = await call([{ afterMs: 499 }]);
    expect(outcome).toMatchObject({ answer: 0, endMs: 499 });
    expect(starts(outcome)).toEqual([0]);
  });

  // The timeline of gRFC A6: one outstanding after 1 ms, two after 501, three after 1001, four after 1501.
  test("sends a further copy after each delay, up to its most", async () => {
    const outcome = await call([{}, {}, {}, { afterMs: 700 }]);
    expect(starts(outcome)).toEqual([0, 500, 1_000, 1_500]);
    expect(outcome).toMatchObject({ answer: 3, endMs: 2_200 });
  });

  test("takes the first answer and aborts what else runs at once", async () => {
    const outcome = await call([{}, { afterMs: 300 }, {}]);
    expect(outcome).toMatchObject({ answer: 1, endMs: 800 });
    expect(outcome.attempts[0]).toMatchObject({ abortedMs: 800, reason: { code: Code.Canceled } });
    expect(outcome.attempts[1]?.abortedMs).toBeUndefined();
    expect(starts(outcome)).toEqual([0, 500]);
  });

  test("takes a late answer of the first attempt", async () => {
    const outcome = await call([{ afterMs: 600 }, {}]);
    expect(outcome).toMatchObject({ answer: 0, endMs: 600 });
    expect(outcome.attempts[1]?.abortedMs).toBe(600);
  });

  test("sends all at once where the delay is nothing", async () => {
    const outcome = await call([{}, {}, { afterMs: 9 }, {}], { policy: { delayMs: 0 } });
    expect(starts(outcome)).toEqual([0, 0, 0, 0]);
    expect(outcome).toMatchObject({ answer: 2, endMs: 9 });
  });

  test("ends with a fatal failure and aborts what else runs", async () => {
    const outcome = await call([{}, { afterMs: 100, code: Code.InvalidArgument }]);
    expect(outcome).toMatchObject({ endMs: 600, error: { code: Code.InvalidArgument } });
    expect(outcome.attempts[0]?.abortedMs).toBe(600);
  });

  test("ends with a failure of the client's own side, which copies would repeat, but for one that might do better", async () => {
    const own = await call([{ afterMs: 100, code: Code.Internal, local: true }, { afterMs: 1 }]);
    expect([own.attempts.length, own.error?.code]).toEqual([1, Code.Internal]);
    const later = await call([{ afterMs: 100, code: Code.Unavailable, local: true }, { afterMs: 1 }]);
    expect(later.answer).toBe(1);
  });

  test("sends the next copy at once after a failure that is not fatal, and keeps its delay from there", async () => {
    const outcome = await call([{ afterMs: 100, code: Code.Unavailable }, {}, {}, { afterMs: 1 }]);
    expect(starts(outcome)).toEqual([0, 100, 600, 1_100]);
    expect(outcome).toMatchObject({ answer: 3, endMs: 1_101 });
  });

  test("has the last failure when all fail", async () => {
    const fail = { afterMs: 10, code: Code.Unavailable };
    const outcome = await call([fail, fail, fail, fail, {}]);
    expect(starts(outcome)).toEqual([0, 10, 20, 30]);
    expect(outcome).toMatchObject({ endMs: 40, error: { rawMessage: "attempt 3" } });
  });

  test("waits for copies that run when a failure leaves none to send", async () => {
    const outcome = await call([{ afterMs: 900 }, { afterMs: 10, code: Code.Aborted }], { policy: { maxAttempts: 2 } });
    expect(outcome).toMatchObject({ answer: 0, endMs: 900 });
  });

  test("never sends more than its most", async () => {
    const outcome = await call([{ afterMs: 5_000 }, {}, {}, {}, {}], { policy: { maxAttempts: 2 } });
    expect(starts(outcome)).toEqual([0, 500]);
  });

  test("sends the next copy when the server says, and then again after each delay", async () => {
    const outcome = await call([{ afterMs: 100, code: Code.Unavailable, pushback: "50" }, {}, { afterMs: 1 }]);
    expect(starts(outcome)).toEqual([0, 150, 650]);
    const late = await call([{ afterMs: 100, code: Code.Unavailable, pushback: "2000" }, { afterMs: 1 }]);
    expect(starts(late)).toEqual([0, 2_100]);
  });

  test.each(["-1", "xxx"])("sends no more when the server says %j, but waits for what runs", async (pushback) => {
    const outcome = await call([{ afterMs: 3_000 }, { afterMs: 100, code: Code.Unavailable, pushback }]);
    expect(starts(outcome)).toEqual([0, 500]);
    expect(outcome).toMatchObject({ answer: 0, endMs: 3_000 });
    const alone = await call([{ afterMs: 100, code: Code.Unavailable, pushback }]);
    expect(alone).toMatchObject({ endMs: 100, error: { code: Code.Unavailable } });
    expect(alone.attempts).toHaveLength(1);
  });

  test("ends with its caller, and aborts what runs with the caller's reason", async () => {
    const outcome = await call([{}, {}], { cancelMs: 700 });
    expect(outcome).toMatchObject({ endMs: 700, error: { rawMessage: "over" } });
    expect(outcome.attempts).toHaveLength(2);
    for (const attempt of outcome.attempts) expect(attempt).toMatchObject({ abortedMs: 700, reason: { rawMessage: "over" } });
  });

  test("sends nothing for a caller that is gone", async () => {
    let attempts = 0;
    const policy: HedgingPolicy = { maxAttempts: 2, delayMs: 1, nonFatalCodes: [] };
    const guard = new RetryGuard(new RetryBudget());
    const signal = AbortSignal.abort(new Error("gone"));
    await expect(hedge(async () => attempts++, { policy, guard, signal })).rejects.toThrow("gone");
    expect(attempts).toBe(0);
  });

  test("takes what an attempt throws at once as its failure", async () => {
    const policy: HedgingPolicy = { maxAttempts: 2, delayMs: 1_000, nonFatalCodes: [] };
    const guard = new RetryGuard(new RetryBudget());
    const { signal } = new AbortController();
    const attempt = (): Promise<never> => {
      throw new ConnectError("broken", Code.Internal);
    };
    await expect(hedge(attempt, { policy, guard, signal })).rejects.toThrow("broken");
  });
});

describe("hedge, while an attempt waits for a peer", () => {
  test("sends no further copy, takes nothing of the budget, and counts the delay from when it has one", async () => {
    const budget = new RetryBudget({ minPerSecond: 1 });
    const alone = await call([{ peerMs: 8_000, afterMs: 8_400 }], { budget });
    expect(alone).toMatchObject({ answer: 0, endMs: 8_400 });
    expect(alone.attempts).toHaveLength(1);
    expect(budget.left(0)).toBe(10);
    const late = await call([{ peerMs: 2_000 }, { peerMs: 3_000 }, { afterMs: 1 }]);
    expect(starts(late)).toEqual([0, 2_500, 6_000]);
  });

  test("stops the clock when it has lost its peer and looks for another", async () => {
    const outcome = await call([{ lostMs: 300, peerMs: 5_000 }, { afterMs: 1 }]);
    expect(starts(outcome)).toEqual([0, 5_500]);
    // So it does when another failed before, and this one is in its place.
    const next = await call([{ afterMs: 100, code: Code.Unavailable }, { peerMs: 2_000 }, { afterMs: 1 }]);
    expect(starts(next)).toEqual([0, 100, 2_600]);
    // Only the newest matters: those before it were late with a peer.
    const older = await call([{ lostMs: 600 }, {}, { afterMs: 1 }]);
    expect(starts(older)).toEqual([0, 500, 1_000]);
  });

  test("sends none for another that fails: the one that waits is the next", async () => {
    const fail = { afterMs: 600, code: Code.Unavailable };
    const outcome = await call([fail, { peerMs: 400, afterMs: 410 }]);
    expect(starts(outcome)).toEqual([0, 500]);
    expect(outcome).toMatchObject({ answer: 1, endMs: 910, told: [[0, "left to the other copies", undefined]] });
    const pushed = await call([{ ...fail, pushback: "2000" }, { peerMs: 200 }, { afterMs: 1 }]);
    expect(starts(pushed)).toEqual([0, 500, 2_600]);
  });

  test("sends none after one that found no peer, which is no failure of a server", async () => {
    const throttle = new RetryThrottle({ maxTokens: 10, tokenRatio: 1 });
    const none = { peerMs: 9_000, afterMs: 100, code: Code.Unavailable };
    const outcome = await call([none], { throttle });
    expect(outcome).toMatchObject({ endMs: 100, error: { code: Code.Unavailable }, told: [] });
    expect([outcome.attempts.length, throttle.tokens]).toEqual([1, 10]);
    expect(await call([{ afterMs: 2_000 }, none])).toMatchObject({ answer: 0, endMs: 2_000, attempts: [{}, {}] });
    expect(await call([{ afterMs: 2_000 }, { ...none, code: Code.FailedPrecondition }])).toMatchObject({ endMs: 600 });
  });

  test("counts the wait as no part of how long attempts take", async () => {
    const latency = new Recorder();
    await call([{ peerMs: 1_000, afterMs: 1_007 }], { latency });
    expect(latency.times).toEqual([7]);
    const known = new Recorder({ warmUp: 1 });
    known.record(100);
    known.times.length = 0;
    await call([{ peerMs: 9_000 }], { latency: known, cancelMs: 700 });
    expect(known.times).toEqual([]);
  });
});

describe("hedge, when a server refuses for overload", () => {
  const refused = { afterMs: 100, code: Code.ResourceExhausted, pushback: "50" };

  test("sends the next copy when the server says, though the code is fatal without it", async () => {
    const outcome = await call([refused, { ...refused, pushback: "0" }, { afterMs: 1 }]);
    expect(starts(outcome)).toEqual([0, 150, 250]);
    expect(outcome).toMatchObject({ answer: 2, told: [[0, "pushback", 50], [1, "pushback", 0]] });
  });

  test.each([undefined, "-1"])("ends with it when the server does not say when to come back: %j", async (pushback) => {
    const { afterMs, code } = refused;
    const outcome = await call([{}, { afterMs, code, ...(pushback === undefined ? {} : { pushback }) }]);
    expect(outcome).toMatchObject({ endMs: 600, error: { code }, told: [[1, "code", undefined]] });
  });

  test("takes the copy from the budget, and a token of the throttle", async () => {
    const throttle = new RetryThrottle({ maxTokens: 10, tokenRatio: 1 });
    const outcome = await call([refused, { afterMs: 1 }], { budget: new RetryBudget({ minPerSecond: 0 }), throttle });
    expect(outcome).toMatchObject({ endMs: 150, error: { code: refused.code }, told: [[0, "pushback", 50], [0, "budget", undefined]] });
    expect([outcome.attempts.length, throttle.tokens]).toEqual([1, 9]);
  });

  test("begins no pause that the deadline would cut off, but waits for what runs", async () => {
    const outcome = await call([refused, { afterMs: 1 }], { deadlineMs: 150 });
    expect(outcome).toMatchObject({ endMs: 100, error: { code: refused.code }, told: [[0, "deadline", undefined]] });
    const others = await call([{ afterMs: 620 }, refused], { deadlineMs: 640 });
    expect(others).toMatchObject({ answer: 0, endMs: 620, told: [[1, "left to the other copies", undefined]] });
    const more = await call([{ afterMs: 610, code: Code.Unavailable }, refused, { afterMs: 1 }], { deadlineMs: 640 });
    expect(starts(more)).toEqual([0, 500, 610]);
  });
});

describe("hedge tells what followed a failure", () => {
  const fail = { afterMs: 10, code: Code.Unavailable };
  const told = async (scripts: readonly Script[], init?: Init): Promise<unknown> =>
    (await call(scripts, init)).told.map(([index, next]) => `${index} ${next}`);

  test("as it was", async () => {
    expect(await told([fail, fail], { policy: { maxAttempts: 2 } })).toEqual(["0 code", "1 attempts"]);
    expect(await told([{ afterMs: 900 }, fail], { policy: { maxAttempts: 2 } })).toEqual(["1 left to the other copies"]);
    expect(await told([{ ...fail, pushback: "-1" }])).toEqual(["0 pushback"]);
    expect(await told([fail], { budget: new RetryBudget({ minPerSecond: 0 }) })).toEqual(["0 budget"]);
    expect(await told([fail], { throttle: new RetryThrottle({ maxTokens: 1, tokenRatio: 1 }) })).toEqual(["0 throttled"]);
  });
});

describe("hedge, in its own process", () => {
  const guard = new RetryGuard(new RetryBudget());

  test("waits for nothing where the delay is nothing", async () => {
    let attempts = 0;
    const attempt = (): Promise<number> => Promise.resolve(attempts++);
    const policy: HedgingPolicy = { maxAttempts: 3, delayMs: 0, nonFatalCodes: [] };
    const answer = hedge(attempt, { policy, guard, signal: new AbortController().signal });
    expect(attempts).toBe(3);
    expect(await answer).toBe(0);
  });

  test("leaves nothing at its caller's signal", async () => {
    const { signal } = new AbortController();
    const policy: HedgingPolicy = { maxAttempts: 2, delayMs: 60_000, nonFatalCodes: [] };
    await hedge(() => Promise.resolve(1), { policy, guard, signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("hedge, within bounds", () => {
  test("sends first attempts always, and copies only while the throttle is open", async () => {
    const throttle = new RetryThrottle({ maxTokens: 4, tokenRatio: 1 });
    const fail = { afterMs: 1, code: Code.Unavailable };
    const attempts = async (): Promise<number> => (await call([fail, fail, fail, fail], { throttle })).attempts.length;
    // Four tokens: one is taken by each failure, and copies need more than two.
    expect(await attempts()).toBe(2);
    expect(throttle.tokens).toBe(2);
    expect(await attempts()).toBe(1);
    expect(await attempts()).toBe(1);
    expect(throttle.tokens).toBe(0);
  });

  test("counts for the throttle what is not fatal, or asks for no more, and answers", async () => {
    const tokens = async (script: Script): Promise<number> => {
      const throttle = new RetryThrottle({ maxTokens: 10, tokenRatio: 1 });
      throttle.failed();
      await call([script], { throttle, policy: { maxAttempts: 1 } });
      return throttle.tokens;
    };
    expect(await tokens({ afterMs: 1 })).toBe(10);
    expect(await tokens({ afterMs: 1, code: Code.NotFound })).toBe(9);
    expect(await tokens({ afterMs: 1, code: Code.NotFound, pushback: "-1" })).toBe(8);
    expect(await tokens({ afterMs: 1, code: Code.Internal })).toBe(8);
  });

  test("takes a copy from the budget each, and goes on with what runs when that is used up", async () => {
    const budget = new RetryBudget({ minPerSecond: 0.1 });
    const outcome = await call([{}, { afterMs: 2_000 }], { budget });
    expect(starts(outcome)).toEqual([0, 500]);
    expect(outcome).toMatchObject({ answer: 1, endMs: 2_500 });
    expect(budget.left(0)).toBeLessThan(1);
  });

  test("fails when the budget is used up while nothing runs but a pushback's pause", async () => {
    const budget = new RetryBudget({ minPerSecond: 0 });
    const outcome = await call([{ afterMs: 10, code: Code.Unavailable, pushback: "100" }], { budget });
    expect(outcome).toMatchObject({ endMs: 110, error: { code: Code.Unavailable } });
    expect(outcome.attempts).toHaveLength(1);
  });
});

describe("hedge, at the observed p95", () => {
  const policy: Partial<HedgingPolicy> = { delayMs: "p95", maxAttempts: 2 };

  test("sends nothing twice for being late while little is known", async () => {
    const outcome = await call([{ afterMs: 60_000 }], { policy, latency: new Quantile() });
    expect(outcome.attempts).toHaveLength(1);
  });

  test("still follows a failure with the next copy", async () => {
    const outcome = await call([{ afterMs: 1, code: Code.Unavailable }, { afterMs: 1 }], { policy, latency: new Quantile() });
    expect(outcome).toMatchObject({ answer: 1, endMs: 2 });
  });

  test("learns how long attempts took: those that were answered, and late ones that it ended", async () => {
    const latency = new Recorder({ warmUp: 1 });
    latency.record(100);
    latency.times.length = 0;
    const value = latency.value ?? Number.NaN;
    // The first is late when the second is answered.
    await call([{}, { afterMs: 7 }], { policy, latency });
    expect(latency.times).toEqual([7, expect.closeTo(value + 7)]);
    // The second is not late when the first is answered: how long it takes is not known.
    latency.times.length = 0;
    await call([{ afterMs: 150 }, {}], { policy, latency });
    expect(latency.times).toEqual([150]);
    // Failures are not answers.
    latency.times.length = 0;
    await call([{ afterMs: 1, code: Code.NotFound }], { policy, latency });
    expect(latency.times).toEqual([]);
  });

  test("cuts off the slowest calls for about one copy in twenty, and keeps its aim", async () => {
    const latency = new Quantile({ window: 200 });
    const random = seeded(9);
    // Calls take 10 ms; one in a hundred takes a second.
    const script = (): Script => ({ afterMs: random() < 0.01 ? 1_000 : 5 + 10 * random() });
    const times: number[] = [];
    let copies = 0;
    for (let n = 0; n < 3_000; n++) {
      const { attempts, endMs } = await call([script(), script()], { policy, latency });
      times.push(endMs);
      copies += attempts.length - 1;
    }
    times.sort((a, b) => a - b);
    expect(times[Math.floor(0.999 * times.length)]).toBeLessThan(100);
    expect(copies / times.length).toBeGreaterThan(0.02);
    expect(copies / times.length).toBeLessThan(0.1);
    expect(latency.value).toBeGreaterThan(12);
    expect(latency.value).toBeLessThan(18);
  });
});
