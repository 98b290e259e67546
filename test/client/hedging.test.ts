import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { callOptions, connectionError, first, subscribe } from "../../src/index.ts";
import { previousAttemptsHeader } from "../../src/resilience/retry.ts";
import { until } from "../../src/testing/until.ts";
import { ms } from "../contract/contract.ts";
import { nothingUnhandled } from "../support/unhandled.ts";
import { failure, hang, refusal, scripted } from "./scripted.ts";

nothingUnhandled();

describe("a hedged call", () => {
  test("takes the first answer and cancels the others at their servers", async () => {
    const cancelled: string[] = [];
    await using of = scripted(
      async (at, signal) => {
        if (at.id === "c") return { id: at.id };
        signal?.addEventListener("abort", () => cancelled.push(at.id));
        return hang(signal);
      },
      { method: { hedging: { maxAttempts: 3, delay: ms(10) } } },
    );
    of.show("a", "b", "c");
    expect((await of.call({})).id).toBe("c");
    expect(of.channel.attempts).toEqual(["a", "b", "c"]);
    expect(cancelled).toEqual(["a", "b"]);
  });

  test("sends each copy to another instance, whatever the balancer prefers", async () => {
    await using of = scripted((at, signal) => (at.id === "c" ? { id: at.id } : hang(signal)), {
      client: { hedging: { delayMs: 1, maxAttempts: 3 }, balancer: first() },
    });
    of.show("a", "b", "c");
    expect((await of.call({})).id).toBe("c");
    expect(of.channel.attempts).toEqual(["a", "b", "c"]);
  });

  test("leaves nothing in flight, and a loser does not count against its instance", async () => {
    await using of = scripted((at, signal) => (at.id === "a" ? hang(signal) : { id: at.id }), {
      mesh: { outlier: { consecutiveFailures: 1 } },
      method: { hedging: { maxAttempts: 2, delay: ms(1) } },
    });
    const ejected: string[] = [];
    const end = subscribe("peer.ejected", ({ instance }) => ejected.push(instance.id));
    of.show("a", "b");
    for (let turn = 0; turn < 5; turn++) await of.call({});
    let inFlight: readonly number[] = [];
    const off = subscribe("call.explained", ({ attempts }) => {
      inFlight = attempts.at(0)?.candidates.map((candidate) => candidate.inFlight) ?? [];
    });
    await of.call({});
    off();
    end();
    expect(inFlight).toEqual([0, 0]);
    expect(ejected).toEqual([]);
  });

  test("sends the next copy at once after a failure that is not fatal, and tells how many there were", async () => {
    const before: Array<string | null> = [];
    await using of = scripted(
      (at, _signal, { header }) => {
        before.push(header.get(previousAttemptsHeader));
        if (at.id === "b") return { id: "b" };
        throw refusal(Code.Unavailable);
      },
      { client: { hedging: { delayMs: 60_000 } } },
    );
    of.show("a", "b");
    expect((await of.call({})).id).toBe("b");
    expect(before).toEqual([null, "1"]);
  });

  test("ends with a fatal failure", async () => {
    await using of = scripted(
      (at, signal) => {
        if (at.id === "a") return hang(signal);
        throw refusal(Code.PermissionDenied);
      },
      { client: { hedging: { delayMs: 5, maxAttempts: 5 } } },
    );
    of.show("a", "b", "c");
    expect((await failure(of.call({}))).code).toBe(Code.PermissionDenied);
    expect(of.channel.attempts).toEqual(["a", "b"]);
  });

  test("repeats what was never sent without counting it as a copy", async () => {
    await using of = scripted(
      (at) => {
        if (at.id === "c") return { id: "c" };
        throw connectionError("cannot connect", "unsent");
      },
      { client: { hedging: { delayMs: 60_000, maxAttempts: 2 }, retryBudget: { minPerSecond: 0, ratio: 0 } } },
    );
    of.show("a", "b", "c");
    expect((await of.call({})).id).toBe("c");
    expect(of.channel.attempts).toEqual(["a", "b", "c"]);
  });

  test("sends no copy while there is no instance, and one of each call when there is", async () => {
    await using of = scripted((at) => ({ id: at.id }), { client: { hedging: { delayMs: 20, maxAttempts: 5 } } });
    of.show();
    let [copies, left] = [0, 0];
    const end = subscribe("call.hedge", () => copies++);
    const off = subscribe("call.explained", ({ budgetLeft }) => (left = budgetLeft));
    const waiting = Array.from({ length: 10 }, () => of.call({}));
    expect((await failure(of.call({}, { timeoutMs: 300 }))).code).toBe(Code.DeadlineExceeded);
    // Ten a second for ten seconds, and a fifth of eleven calls.
    expect(left).toBeCloseTo(102.2, 5);
    of.show("a");
    await Promise.all(waiting);
    end();
    off();
    expect([copies, of.channel.attempts.length]).toEqual([0, 10]);
  });

  test("sends no copy while its instances cannot be reached", async () => {
    await using of = scripted(
      () => {
        throw connectionError("cannot connect", "unsent");
      },
      { client: { hedging: { delayMs: 20, maxAttempts: 5 } } },
    );
    of.show("a", "b");
    let copies = 0;
    const end = subscribe("call.hedge", () => copies++);
    expect((await failure(of.call({}, { timeoutMs: 300 }))).code).toBe(Code.DeadlineExceeded);
    end();
    expect([copies, of.channel.attempts]).toEqual([0, ["a", "b"]]);
  });

  test("waits for its first instance, and sends a copy when that hangs", async () => {
    await using of = scripted((at, signal) => (at.id === "a" ? hang(signal) : { id: at.id }), {
      client: { hedging: { delayMs: 20 } },
    });
    of.show();
    const call = of.call({});
    of.show("a", "b");
    expect((await call).id).toBe("b");
    expect(of.channel.attempts).toEqual(["a", "b"]);
  });

  test("goes to another instance when one is overloaded and says when to come back", async () => {
    await using of = scripted(
      (at) => {
        if (at.id === "b") return { id: "b" };
        throw refusal(Code.ResourceExhausted, "3");
      },
      { client: { hedging: { delayMs: 60_000 } } },
    );
    of.show("a", "b");
    expect((await of.call({})).id).toBe("b");
    expect(of.channel.attempts).toEqual(["a", "b"]);
  });

  test("fails at once when all are overloaded for longer than it has", async () => {
    await using of = scripted(
      () => {
        throw refusal(Code.ResourceExhausted, "60000");
      },
      { client: { hedging: { delayMs: 1 } } },
    );
    of.show("a", "b");
    expect((await failure(of.call({}, { timeoutMs: 30_000 }))).code).toBe(Code.ResourceExhausted);
    expect(of.channel.attempts).toEqual(["a"]);
  });

  test("sends no copy when the budget is spent", async () => {
    await using of = scripted(() => new Promise((resolve) => setTimeout(resolve, 20, {})), {
      client: { hedging: { delayMs: 0, maxAttempts: 3 }, retryBudget: { minPerSecond: 0.2, ratio: 0 } },
    });
    of.show("a", "b", "c");
    for (let turn = 0; turn < 3; turn++) await of.call({});
    expect(of.channel.attempts).toHaveLength(3 + 2);
  });

  test("is sent again at the p95 of the method, once that is known", async () => {
    let slow = false;
    await using of = scripted((at, signal) => (slow && at.id === "a" ? hang(signal) : { id: at.id }), {
      method: { hedging: {} },
    });
    of.show("a", "b");
    for (let turn = 0; turn < 100; turn++) await of.call({});
    slow = true;
    const copies: number[] = [];
    const end = subscribe("call.hedge", ({ copy }) => copies.push(copy));
    for (let turn = 0; turn < 2; turn++) expect((await of.call({}, { timeoutMs: 20_000 })).id).toBe("b");
    end();
    expect(copies).toContain(1);
  });

  test("ends at its deadline with all of its copies", async () => {
    let running = 0;
    await using of = scripted(
      (_at, signal) => {
        running++;
        signal?.addEventListener("abort", () => running--);
        return hang(signal);
      },
      { client: { hedging: { delayMs: 1, maxAttempts: 3 } } },
    );
    of.show("a", "b", "c");
    const call = failure(of.call({}, { timeoutMs: 100 }));
    await until(() => running === 3);
    expect((await call).code).toBe(Code.DeadlineExceeded);
    expect(running).toBe(0);
  });

  test("is what one call may ask for, and what does not concern methods with side effects", async () => {
    const answer = (_at: unknown, signal: AbortSignal | undefined): Promise<never> => hang(signal);
    const hedged = callOptions({ hedging: { delayMs: 1 }, timeoutMs: 100 });
    await using safe = scripted(answer);
    safe.show("a", "b");
    await failure(safe.call({}, hedged));
    expect(safe.channel.attempts).toEqual(["a", "b"]);
    await using unsafe = scripted(answer, { idempotent: false });
    unsafe.show("a", "b");
    await failure(unsafe.call({}, hedged));
    expect(unsafe.channel.attempts).toEqual(["a"]);
  });
});
