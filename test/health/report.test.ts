import { expect, test, vi } from "vitest";
import { check, warning, type Check } from "../../src/health/check.ts";
import { HealthReporter } from "../../src/health/report.ts";

/** A check that ends when the test says so, and counts its runs. */
function held(): { run: Check; runs: PromiseWithResolvers<void>[]; signals: AbortSignal[] } {
  const runs: PromiseWithResolvers<void>[] = [];
  const signals: AbortSignal[] = [];
  const run: Check = (signal) => {
    const ends = Promise.withResolvers<void>();
    runs.push(ends);
    signals.push(signal);
    return ends.promise;
  };
  return { run, runs, signals };
}

async function started(runs: readonly unknown[], count: number): Promise<void> {
  await vi.waitUntil(() => runs.length >= count, { timeout: 10_000, interval: 1 });
}

async function single(run: Check): Promise<{ status: string; message: string | undefined }> {
  const { status, checks } = await new HealthReporter([check("one", run)]).report();
  expect(checks).toHaveLength(1);
  expect(checks[0]?.status).toBe(status);
  return { status, message: checks[0]?.message };
}

test("no checks are ok", async () => {
  expect(await new HealthReporter([]).report()).toEqual({ status: "ok", checks: [] });
});

test("a check that returns is ok, with its duration and the time at which it ended", async () => {
  const before = Date.now();
  const report = await new HealthReporter([check("database", () => {})]).report();
  expect(report.status).toBe("ok");
  const [result] = report.checks;
  expect(result).toMatchObject({ name: "database", status: "ok" });
  expect(result).not.toHaveProperty("message");
  expect(result?.durationMs).toBeGreaterThanOrEqual(0);
  expect(result?.checkedAt).toBeGreaterThanOrEqual(before);
  expect(result?.checkedAt).toBeLessThanOrEqual(Date.now());
});

test("the worst check wins, and the results keep the order of the checks", async () => {
  const ok = check("ok", () => {});
  const warns = check("warns", () => Promise.reject(warning("disk 90 % full")));
  const fails = check("fails", () => Promise.reject(new Error("gone")));
  expect((await new HealthReporter([ok, warns]).report()).status).toBe("warning");
  const report = await new HealthReporter([ok, fails, warns]).report();
  expect(report.status).toBe("error");
  expect(report.checks.map(({ name, status, message }) => [name, status, message])).toEqual([
    ["ok", "ok", undefined],
    ["fails", "error", "gone"],
    ["warns", "warning", "disk 90 % full"],
  ]);
});

test("whatever a check throws, at once or later, is a result", async () => {
  const thrown: [unknown, string][] = [
    [new Error("no route"), "no route"],
    ["text", "text"],
    [undefined, "undefined"],
    [Symbol("odd"), "Symbol(odd)"],
    [Object.create(null), "failed with something that has no text"],
    [new Error(), "failed without a message"],
    [new TypeError("fetch failed", { cause: new Error("refused") }), "fetch failed: refused"],
    [new AggregateError([new Error("::1 refused"), new Error("no route")]), "::1 refused; no route"],
  ];
  for (const [error, message] of thrown) {
    const atOnce: Check = () => {
      throw error;
    };
    expect(await single(atOnce)).toEqual({ status: "error", message });
    expect(await single(() => Promise.reject(error))).toEqual({ status: "error", message });
  }
  const warnsAtOnce: Check = () => {
    throw warning("slow");
  };
  expect(await single(warnsAtOnce)).toEqual({ status: "warning", message: "slow" });
});

test("an error that is its own cause has a text that ends", async () => {
  const error = new Error("round");
  error.cause = error;
  expect((await single(() => Promise.reject(error))).message).toBe("round");
});

test("checks run in parallel", async () => {
  const first = held();
  const second = held();
  const reporter = new HealthReporter([
    check("first", first.run, { failIfSlowerThanMs: 30_000 }),
    check("second", second.run, { failIfSlowerThanMs: 30_000 }),
  ]);
  const report = reporter.report();
  await started(first.runs, 1);
  await started(second.runs, 1);
  second.runs[0]?.resolve();
  first.runs[0]?.resolve();
  expect((await report).status).toBe("ok");
});

test("reports that overlap share one run, also of a check that is never cached", async () => {
  const { run, runs } = held();
  const reporter = new HealthReporter([
    check("one", run, { cacheMs: 0, failIfSlowerThanMs: 30_000 }),
  ]);
  const reports = [reporter.report(), reporter.report()];
  await started(runs, 1);
  reports.push(reporter.report());
  runs[0]?.reject(new Error("down"));
  const [a, b, c] = await Promise.all(reports);
  expect(runs).toHaveLength(1);
  expect(a?.checks[0]).toBe(b?.checks[0]);
  expect(b?.checks[0]).toBe(c?.checks[0]);
  expect(a?.checks[0]).toMatchObject({ status: "error", message: "down" });

  const next = reporter.report();
  await started(runs, 2);
  runs[1]?.resolve();
  expect((await next).status).toBe("ok");
});

test("a report that arrives during the first run waits for what that run finds out", async () => {
  const { run, runs } = held();
  const reporter = new HealthReporter([
    check("one", run, { cacheMs: 60_000, failIfSlowerThanMs: 30_000 }),
  ]);
  const first = reporter.report();
  await started(runs, 1);
  let answered = false;
  const second = reporter.report().finally(() => {
    answered = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(answered).toBe(false);
  runs[0]?.reject(new Error("down"));
  expect((await second).status).toBe("error");
  expect((await first).status).toBe("error");
});

test("a finished result is used again for cacheMs after it ended, and then no more", async () => {
  let nowMs = 5_000;
  const { run, runs } = held();
  const reporter = new HealthReporter(
    [check("one", run, { cacheMs: 100, failIfSlowerThanMs: 30_000 })],
    { now: () => nowMs },
  );
  const first = reporter.report();
  await started(runs, 1);
  nowMs += 70;
  runs[0]?.resolve();
  const fresh = await first;
  expect(fresh.checks[0]?.durationMs).toBe(70);

  nowMs += 99;
  expect((await reporter.report()).checks[0]).toBe(fresh.checks[0]);
  expect(runs).toHaveLength(1);

  nowMs += 1;
  const later = reporter.report();
  await started(runs, 2);
  runs[1]?.reject(new Error("down"));
  expect((await later).status).toBe("error");
});

test("while a run after the cache is on, the old result is not served", async () => {
  let nowMs = 0;
  const { run, runs } = held();
  const reporter = new HealthReporter(
    [check("one", run, { cacheMs: 100, failIfSlowerThanMs: 30_000 })],
    { now: () => nowMs },
  );
  const first = reporter.report();
  await started(runs, 1);
  runs[0]?.resolve();
  expect((await first).status).toBe("ok");

  nowMs += 100;
  const second = reporter.report();
  await started(runs, 2);
  const third = reporter.report();
  runs[1]?.reject(new Error("down"));
  expect((await second).status).toBe("error");
  expect((await third).status).toBe("error");
});

test("a check that never ends is an error at its time-out, and its signal aborts", async () => {
  const { run, signals } = held();
  const reporter = new HealthReporter([
    check("slow", run, { failIfSlowerThanMs: 50 }),
    check("quick", () => {}),
  ]);
  const start = performance.now();
  const report = await reporter.report();
  const tookMs = performance.now() - start;
  expect(tookMs).toBeGreaterThanOrEqual(45);
  expect(tookMs).toBeLessThan(10_000);
  expect(report.status).toBe("error");
  expect(report.checks[0]).toMatchObject({ status: "error", message: "took longer than 50 ms" });
  expect(report.checks[1]).toMatchObject({ status: "ok" });
  expect(signals[0]?.aborted).toBe(true);
  expect(String(signals[0]?.reason)).toContain("slow took longer than 50 ms");
});

test("a check that hangs is not started again before it has ended, and then recovers", async () => {
  const { run, runs } = held();
  const reporter = new HealthReporter([check("one", run, { cacheMs: 0, failIfSlowerThanMs: 50 })]);
  const timedOut = await reporter.report();
  expect(timedOut.checks[0]?.message).toBe("took longer than 50 ms");

  for (let times = 0; times < 3; times++) {
    const [result] = (await reporter.report()).checks;
    expect(result?.status).toBe("error");
    expect(result?.message).toMatch(/^still running since \d{4}-\d\d-\d\dT/);
    expect(result?.durationMs).toBeGreaterThanOrEqual(45);
  }
  expect(runs).toHaveLength(1);

  runs[0]?.reject(new Error("late"));
  const statuses = vi.waitUntil(
    async () => {
      const recovered = reporter.report();
      await new Promise((resolve) => setImmediate(resolve));
      runs[1]?.resolve();
      return (await recovered).status === "ok";
    },
    { timeout: 10_000, interval: 1 },
  );
  expect(await statuses).toBe(true);
  expect(runs).toHaveLength(2);
});

test("the result of a time-out is cached, and a run that ends late does not overwrite it", async () => {
  let nowMs = 0;
  const { run, runs } = held();
  const reporter = new HealthReporter(
    [check("one", run, { cacheMs: 1_000, failIfSlowerThanMs: 50 })],
    { now: () => nowMs },
  );
  const timedOut = await reporter.report();
  expect(timedOut.status).toBe("error");
  runs[0]?.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  nowMs += 999;
  expect((await reporter.report()).checks[0]).toBe(timedOut.checks[0]);
  expect(runs).toHaveLength(1);

  nowMs += 1;
  const again = reporter.report();
  await started(runs, 2);
  runs[1]?.resolve();
  expect((await again).status).toBe("ok");
});

test("a check that blocks the event loop for too long is an error although it returns", async () => {
  let nowMs = 0;
  const blocks: Check = () => {
    nowMs += 2_000;
  };
  const reporter = new HealthReporter([check("one", blocks)], { now: () => nowMs });
  expect((await reporter.report()).checks[0]).toMatchObject({
    status: "error",
    durationMs: 2_000,
    message: "took longer than 1000 ms",
  });
});

test("a caller's signal ends only that caller's wait", async () => {
  const { run, runs, signals } = held();
  const reporter = new HealthReporter([check("one", run, { failIfSlowerThanMs: 30_000 })]);
  const caller = new AbortController();
  const impatient = reporter.report(caller.signal);
  const patient = reporter.report();
  await started(runs, 1);
  caller.abort(new Error("went away"));
  await expect(impatient).rejects.toThrow("went away");
  expect(signals[0]?.aborted).toBe(false);
  runs[0]?.resolve();
  expect((await patient).status).toBe("ok");
  await expect(reporter.report(caller.signal)).rejects.toThrow("went away");
});

test("a check that asks for the report that it is part of times out alone", async () => {
  const reporter: HealthReporter = new HealthReporter([
    check("self", async () => void (await reporter.report()), { failIfSlowerThanMs: 50 }),
    check("other", () => {}),
  ]);
  const report = await reporter.report();
  expect(report.checks.map(({ status }) => status)).toEqual(["error", "ok"]);
});
