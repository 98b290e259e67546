import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { callTimeoutMs, explainDeadline, remaining } from "../../src/client/deadline.ts";

describe("callTimeoutMs", () => {
  const policy = { timeoutMs: 4, maxTimeoutMs: undefined };

  test("the call's wins over that of its policy", () => {
    expect(callTimeoutMs(1, policy)).toBe(1);
    expect(callTimeoutMs(9, policy)).toBe(9);
    expect(callTimeoutMs(undefined, policy)).toBe(4);
  });

  test("neither is more than the policy allows", () => {
    expect(callTimeoutMs(9, { timeoutMs: 4, maxTimeoutMs: 6 })).toBe(6);
    expect(callTimeoutMs(undefined, { timeoutMs: 8, maxTimeoutMs: 6 })).toBe(6);
    expect(callTimeoutMs(5, { timeoutMs: 8, maxTimeoutMs: 6 })).toBe(5);
  });

  test("is a whole number that a timer can hold", () => {
    expect(callTimeoutMs(1.2, policy)).toBe(2);
    expect(callTimeoutMs(Number.POSITIVE_INFINITY, policy)).toBe(2 ** 31 - 1);
  });

  test.each([0, -1])("refuses %s as over", (ms) => {
    expect(() => callTimeoutMs(ms, policy)).toThrow("over before the call began");
  });

  test("refuses what is no number", () => {
    expect(() => callTimeoutMs("5s" as never, policy)).toThrow("timeoutMs is 5s; it must be a number of milliseconds");
  });
});

describe("remaining", () => {
  test("only shrinks and never reaches 0, which would mean none", async () => {
    const left = remaining(5);
    const first = left();
    expect(first).toBeLessThanOrEqual(5);
    while (left() > 1) await Promise.resolve();
    expect(left()).toBe(1);
  });
});

describe("explainDeadline", () => {
  const over = new ConnectError("the operation timed out", Code.DeadlineExceeded);

  test("adds what the call waited for", () => {
    const error = explainDeadline(over, 70, new ConnectError("no instance", Code.Unavailable));
    expect(error.rawMessage).toBe("the call was not answered within 70 ms: no instance");
  });

  test("leaves other errors alone", () => {
    const other = new ConnectError("no", Code.NotFound);
    expect(explainDeadline(other, 70, undefined)).toBe(other);
  });
});
