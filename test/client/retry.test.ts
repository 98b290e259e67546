import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { callOptions, connectionError, reasonOf, subscribe } from "../../src/index.ts";
import { previousAttemptsHeader } from "../../src/resilience/retry.ts";
import { ms } from "../contract/contract.ts";
import { nothingUnhandled } from "../support/unhandled.ts";
import { failure, hang, refusal, scripted } from "./scripted.ts";

nothingUnhandled();

const fast = { initialBackoffMs: 1, maxBackoffMs: 1 };
const unavailable = (): never => {
  throw refusal(Code.Unavailable);
};

describe.each([true, false])("a policy of retries (short way %s)", (quick) => {
  test("makes as many attempts as it says, each at an instance that was not tried", async () => {
    await using of = scripted(unavailable, { quick, mesh: { retry: { ...fast, maxAttempts: 4 } } });
    of.show("a", "b", "c", "d", "e");
    await failure(of.call({}));
    expect(of.channel.attempts).toHaveLength(4);
    expect(new Set(of.channel.attempts).size).toBe(4);
  });

  test("makes at most five attempts", async () => {
    await using of = scripted(unavailable, { quick, mesh: { retry: { ...fast, maxAttempts: 50 } } });
    of.show("a");
    await failure(of.call({}));
    expect(of.channel.attempts).toHaveLength(5);
  });

  test("does not concern methods that may not be carried out twice", async () => {
    await using of = scripted(unavailable, { quick, idempotent: false, mesh: { retry: fast } });
    of.show("a", "b");
    await failure(of.call({}));
    expect(of.channel.attempts).toEqual(["a"]);
  });

  test("unless the code says that they were not", async () => {
    await using of = scripted(
      () => {
        throw refusal(Code.ResourceExhausted);
      },
      { quick, idempotent: false, client: { retry: { ...fast, codes: [Code.ResourceExhausted] } } },
    );
    of.show("a", "b");
    await failure(of.call({}));
    expect(of.channel.attempts).toHaveLength(3);
  });

  test("is that of the contract, of the client over it, and of the call over both", async () => {
    await using of = scripted(unavailable, {
      quick,
      method: { retry: { maxAttempts: 2, initialBackoff: ms(1), maxBackoff: ms(1) } },
    });
    of.show("a", "b", "c", "d");
    const attempts = async (call: () => Promise<unknown>): Promise<number> => {
      const before = of.channel.attempts.length;
      await failure(call());
      return of.channel.attempts.length - before;
    };
    expect(await attempts(() => of.call({}))).toBe(2);
    const client = of.client({ retry: { maxAttempts: 3 } });
    expect(await attempts(() => client({}))).toBe(3);
    expect(await attempts(() => client({}, callOptions({ retry: { maxAttempts: 4 } })))).toBe(4);
    expect(await attempts(() => client({}, callOptions({ retry: false })))).toBe(1);
  });

  test("is that of a service config, under the client's", async () => {
    const serviceConfig = {
      methodConfig: [
        {
          name: [{ service: "t.S" }],
          retryPolicy: {
            maxAttempts: 4,
            initialBackoff: "0.001s",
            maxBackoff: "0.001s",
            backoffMultiplier: 1,
            retryableStatusCodes: ["INTERNAL"],
          },
        },
      ],
    };
    await using of = scripted(
      () => {
        throw refusal(Code.Internal);
      },
      { quick, mesh: { serviceConfig } },
    );
    of.show("a");
    await failure(of.call({}));
    expect(of.channel.attempts).toHaveLength(4);
    await failure(of.client({ retry: { maxAttempts: 2 } })({}));
    expect(of.channel.attempts).toHaveLength(6);
    await failure(of.client({ serviceConfig: {} })({}));
    expect(of.channel.attempts).toHaveLength(7);
  });

  test("tells each server how many attempts there were before", async () => {
    const before: Array<string | null> = [];
    await using of = scripted(
      (_at, _signal, { header }) => {
        before.push(header.get(previousAttemptsHeader));
        throw refusal(Code.Unavailable);
      },
      { quick, mesh: { retry: fast } },
    );
    of.show("a", "b");
    await failure(of.call({}));
    expect(before).toEqual([null, "1", "2"]);
  });

  test("waits as long as the server says, and begins its own pauses anew after that", async () => {
    const pauses: number[] = [];
    await using of = scripted(
      () => {
        throw refusal(Code.Unavailable, of.channel.attempts.length === 1 ? "60" : undefined);
      },
      { quick, mesh: { retry: { initialBackoffMs: 2, maxBackoffMs: 1_000, backoffMultiplier: 100 } } },
    );
    const end = subscribe("call.retry", ({ afterMs }) => pauses.push(afterMs));
    of.show("a");
    await failure(of.call({}));
    end();
    expect(pauses[0]).toBe(60);
    expect(pauses[1]).toBeLessThanOrEqual(2.4);
    expect(pauses).toHaveLength(2);
  });

  test.each(["-1", "soon", "1.5", "+3"])("ends at the pushback %s", async (pushback) => {
    await using of = scripted(
      () => {
        throw refusal(Code.Unavailable, pushback);
      },
      { quick, mesh: { retry: fast } },
    );
    of.show("a", "b");
    await failure(of.call({}));
    expect(of.channel.attempts).toHaveLength(1);
  });

  test("ends while the throttle of the service is shut, which does not stop first attempts", async () => {
    await using of = scripted(unavailable, {
      quick,
      service: { throttle: { maxTokens: 4, tokenRatio: 0.5 } },
      mesh: { retry: { ...fast, maxAttempts: 2 } },
    });
    of.show("a", "b");
    for (let turn = 0; turn < 4; turn++) await failure(of.call({}));
    // 4 tokens: the first call takes two, which leaves half of them. Then there is one attempt a call.
    expect(of.channel.attempts).toHaveLength(1 + 1 + 4 - 1);
  });

  test("goes on when successes have opened the throttle again", async () => {
    let well = false;
    await using of = scripted(
      () => {
        if (well) return {};
        throw refusal(Code.Unavailable);
      },
      { quick, service: { throttle: { maxTokens: 4, tokenRatio: 1 } }, mesh: { retry: { ...fast, maxAttempts: 2 } } },
    );
    of.show("a", "b");
    for (let turn = 0; turn < 3; turn++) await failure(of.call({}));
    well = true;
    for (let turn = 0; turn < 4; turn++) await of.call({});
    well = false;
    const before = of.channel.attempts.length;
    await failure(of.call({}));
    expect(of.channel.attempts.length - before).toBe(2);
  });

  test("ends when the budget is spent, which a fifth of the calls fill", async () => {
    await using of = scripted(unavailable, {
      quick,
      mesh: { retry: { ...fast, maxAttempts: 5 }, retryBudget: { minPerSecond: 0 }, outlier: false },
    });
    of.show("a", "b");
    for (let turn = 0; turn < 100; turn++) await failure(of.call({}));
    expect(of.channel.attempts).toHaveLength(120);
  });

  test("does not begin a pause that the deadline would cut off", async () => {
    await using of = scripted(unavailable, {
      quick,
      mesh: { retry: { initialBackoffMs: 60_000, maxBackoffMs: 60_000 } },
    });
    of.show("a", "b");
    const error = await failure(of.call({}, { timeoutMs: 5_000 }));
    expect(error.code).toBe(Code.Unavailable);
    expect(of.channel.attempts).toEqual(["a"]);
  });

  test("gives every attempt what is left of the deadline", async () => {
    const left: number[] = [];
    await using of = scripted(
      (_at, _signal, { timeoutMs = 0 }) => {
        left.push(timeoutMs);
        throw refusal(Code.Unavailable, "50");
      },
      { quick, method: { timeout: ms(4_000) } },
    );
    of.show("a", "b");
    await failure(of.call({}));
    expect(left).toHaveLength(3);
    expect(left[0]).toBeLessThanOrEqual(4_000);
    expect(left[1]).toBeLessThanOrEqual(3_951);
    expect(left[2]).toBeLessThanOrEqual(3_902);
  });

  test("ends with the call", async () => {
    const end = new AbortController();
    await using of = scripted(unavailable, { quick, mesh: { retry: { initialBackoffMs: 60_000, maxBackoffMs: 60_000 } } });
    of.show("a", "b");
    const retried = new Promise<void>((resolve) => {
      const off = subscribe("call.retry", () => {
        off();
        resolve();
      });
    });
    const call = failure(of.call({}, { signal: end.signal, timeoutMs: 600_000 }));
    await retried;
    end.abort();
    expect((await call).code).toBe(Code.Canceled);
    expect(of.channel.attempts).toEqual(["a"]);
  });
});

describe("a call that is over", () => {
  test("is not repeated, though its policy lists the code", async () => {
    await using of = scripted((_at, signal) => hang(signal), {
      quick: false,
      client: { retry: { ...fast, codes: [Code.DeadlineExceeded, Code.Canceled] } },
    });
    let retries = 0;
    const end = subscribe("call.retry", () => retries++);
    of.show("a", "b");
    await failure(of.call({}, { timeoutMs: 30 }));
    await failure(of.call({}, { signal: AbortSignal.timeout(30) }));
    end();
    expect([retries, of.channel.attempts]).toEqual([0, ["a", "b"]]);
  });
});

describe("a call that wants nothing unusual", () => {
  test("makes no signal of its own, and counts for budget and throttle all the same", async () => {
    const signals: unknown[] = [];
    await using of = scripted(
      (_at, signal) => {
        signals.push(signal);
        return {};
      },
      { service: { throttle: { maxTokens: 10, tokenRatio: 1 } } },
    );
    of.show("a");
    await of.call({});
    for (let turn = 0; turn < 4; turn++) await of.call({});
    expect(signals.slice(1)).toEqual([undefined, undefined, undefined, undefined]);
    let left = 0;
    const end = subscribe("call.explained", ({ budgetLeft }) => (left = budgetLeft));
    await of.call({});
    end();
    expect(left).toBeCloseTo(101.2, 5);
  });
});

describe("a transparent retry", () => {
  test("of what was never sent happens as often as it takes, without budget and policy", async () => {
    let turn = 0;
    await using of = scripted(
      () => {
        if (++turn <= 20) throw connectionError("cannot connect", "unsent");
        return { id: "at last" };
      },
      { idempotent: false, mesh: { retry: false, retryBudget: { minPerSecond: 0, ratio: 0 } } },
    );
    of.show(...Array.from({ length: 30 }, (_, at) => `i${at}`));
    expect((await of.call({})).id).toBe("at last");
    expect(new Set(of.channel.attempts).size).toBe(21);
  });

  test("of what was refused unseen happens once, whatever the method", async () => {
    await using of = scripted(
      () => {
        throw connectionError("refused", "refused");
      },
      { idempotent: false, mesh: { retry: false } },
    );
    of.show("a", "b", "c");
    await failure(of.call({}));
    expect(of.channel.attempts).toHaveLength(2);
  });
});

describe("the deadline of a service config", () => {
  test("bounds all others", async () => {
    const serviceConfig = { methodConfig: [{ name: [{}], timeout: "0.05s" }] };
    await using of = scripted((_at, signal) => hang(signal), { quick: false, mesh: { serviceConfig } });
    of.show("a");
    const error = await failure(of.call({}, { timeoutMs: 60_000 }));
    expect([error.code, reasonOf(error)]).toEqual([Code.DeadlineExceeded, "DEADLINE_EXCEEDED"]);
    expect(error.rawMessage).toContain("within 50 ms");
  });
});

describe("options that make no sense", () => {
  test("are an error when mesh or client are made, and name the option", async () => {
    expect(() => scripted(unavailable, { mesh: { retry: { maxAttempts: 1 } } })).toThrow(
      "the options of the mesh set retry.maxAttempts to 1",
    );
    await using of = scripted(unavailable);
    expect(() => of.client({ hedging: {}, retry: {} })).toThrow("the options of the client set hedging beside retry");
    expect(() => of.client({ outlier: { intervalMs: 0 } })).toThrow("intervalMs to 0");
    expect(() => of.client({ serviceConfig: { loadBalancingConfig: [{ nobody: {} }] } })).toThrow("a balancer that");
    expect(() => of.client({ serviceConfig: { methodConfig: [{ name: [{}], timeout: "soon" }] } })).toThrow("timeout");
    expect(() => of.client({ hashKey: "nothing" })).toThrow("t.M has no field nothing");
  });

  test("and so is a balancer of the contract that there is not", () => {
    expect(() => scripted(unavailable, { method: { balancer: "tarot" } })).toThrow(
      'the contract of t.S.Do sets balancer to "tarot": it must be one of pick_first, round_robin',
    );
  });
});
