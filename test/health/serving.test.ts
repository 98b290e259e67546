import { expect, test } from "vitest";
import { ServingStatuses, type WatchedStatus } from "../../src/health/serving.ts";

/** The next status of a watcher, or "ended". */
async function next(
  watcher: AsyncGenerator<WatchedStatus, void, undefined>,
): Promise<WatchedStatus | "ended"> {
  const { done, value } = await watcher.next();
  return done === true ? "ended" : value;
}

test("the whole server serves from the start, unless it is told otherwise", () => {
  expect([...new ServingStatuses().list()]).toEqual([["", "SERVING"]]);
  expect(new ServingStatuses("NOT_SERVING").get("")).toBe("NOT_SERVING");
});

test("a service is known once it is set and until it is removed", () => {
  const statuses = new ServingStatuses();
  expect(statuses.get("greet.v1.GreetService")).toBeUndefined();
  statuses.set("greet.v1.GreetService", "NOT_SERVING");
  expect(statuses.get("greet.v1.GreetService")).toBe("NOT_SERVING");
  const before = statuses.list();
  statuses.set("other.v1.OtherService", "SERVING");
  statuses.remove("greet.v1.GreetService");
  expect(statuses.get("greet.v1.GreetService")).toBeUndefined();
  expect(before.size).toBe(2);
  expect(() => {
    statuses.remove("");
  }).toThrow("cannot be removed");
});

test("a watcher sees the status at once and then each change", async () => {
  const statuses = new ServingStatuses();
  const watcher = statuses.watch("a", AbortSignal.timeout(30_000));
  expect(await next(watcher)).toBe("SERVICE_UNKNOWN");
  for (const status of ["SERVING", "NOT_SERVING", "SERVING"] as const) {
    const pending = next(watcher);
    statuses.set("a", status);
    expect(await pending).toBe(status);
  }
  const pending = next(watcher);
  statuses.remove("a");
  expect(await pending).toBe("SERVICE_UNKNOWN");
});

test("a watcher does not see what it knows already, or other services", async () => {
  const statuses = new ServingStatuses();
  statuses.set("a", "SERVING");
  const watcher = statuses.watch("a", AbortSignal.timeout(30_000));
  expect(await next(watcher)).toBe("SERVING");
  const pending = next(watcher);
  statuses.set("a", "SERVING");
  statuses.set("b", "NOT_SERVING");
  await new Promise((resolve) => setImmediate(resolve));
  statuses.set("a", "NOT_SERVING");
  expect(await pending).toBe("NOT_SERVING");
});

test("a slow watcher sees only the newest status, and nothing when it is back where it was", async () => {
  const statuses = new ServingStatuses();
  statuses.set("a", "SERVING");
  const watcher = statuses.watch("a", AbortSignal.timeout(30_000));
  expect(await next(watcher)).toBe("SERVING");
  statuses.set("a", "NOT_SERVING");
  statuses.set("a", "SERVING");
  statuses.remove("a");
  expect(await next(watcher)).toBe("SERVICE_UNKNOWN");
  statuses.set("a", "SERVING");
  statuses.remove("a");
  const pending = next(watcher);
  await new Promise((resolve) => setImmediate(resolve));
  statuses.set("a", "NOT_SERVING");
  expect(await pending).toBe("NOT_SERVING");
});

test("shutdown stops everything for good and ends watchers after a last NOT_SERVING", async () => {
  const statuses = new ServingStatuses();
  statuses.set("a", "SERVING");
  const signal = AbortSignal.timeout(30_000);
  const waiting = statuses.watch("a", signal);
  expect(await next(waiting)).toBe("SERVING");
  const pending = next(waiting);
  const slow = statuses.watch("", signal);
  const unknown = statuses.watch("b", signal);
  expect(await next(unknown)).toBe("SERVICE_UNKNOWN");

  statuses.shutdown();
  statuses.shutdown();
  statuses.set("a", "SERVING");
  statuses.set("b", "SERVING");
  statuses.remove("a");
  expect([...statuses.list()]).toEqual([
    ["", "NOT_SERVING"],
    ["a", "NOT_SERVING"],
  ]);
  expect(await pending).toBe("NOT_SERVING");
  expect(await next(waiting)).toBe("ended");
  expect(await next(slow)).toBe("NOT_SERVING");
  expect(await next(slow)).toBe("ended");
  expect(await next(unknown)).toBe("ended");
  const late = statuses.watch("a", signal);
  expect([await next(late), await next(late)]).toEqual(["NOT_SERVING", "ended"]);
});

test("a watcher ends when its signal aborts", async () => {
  const stop = new AbortController();
  const watcher = new ServingStatuses().watch("", stop.signal);
  expect(await next(watcher)).toBe("SERVING");
  const pending = next(watcher);
  stop.abort();
  expect(await pending).toBe("ended");
});
