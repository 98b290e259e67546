import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { connectionError, peakEwma, roundRobin, subscribe } from "../../src/index.ts";
import type { CallExplanation } from "../../src/index.ts";
import { ms } from "../contract/contract.ts";
import { startMesh } from "../support/mesh.ts";
import { nothingUnhandled } from "../support/unhandled.ts";
import { failure, hang, refusal, scripted } from "./scripted.ts";

nothingUnhandled();

/** What the calls tell that something makes. */
async function explained(run: () => Promise<unknown>): Promise<readonly CallExplanation[]> {
  const told: CallExplanation[] = [];
  const end = subscribe("call.explained", (explanation) => told.push(explanation));
  await run();
  end();
  return told;
}

describe("a call explains", () => {
  test("its attempts, why there was another, and from what each instance was chosen", async () => {
    await using of = scripted(
      (at) => {
        if (at.id === "a") throw refusal(Code.Unavailable, "3");
        return { id: at.id };
      },
      { service: { throttle: { maxTokens: 10, tokenRatio: 0.1 } }, method: { timeout: ms(4_000) } },
    );
    of.show("a", "b", "c");
    const [call, ...others] = await explained(() => of.call({}));
    expect(others).toEqual([]);
    expect(call).toMatchObject({ service: "t.S", method: "Do", timeoutMs: 4_000, error: undefined });
    expect(call?.attempts.map(({ instance, why, next, afterMs }) => [instance, why, next, afterMs])).toEqual([
      ["a", "first", "pushback", 3],
      ["b", "retry", "answered", undefined],
    ]);
    expect(call?.attempts[0]?.error?.code).toBe(Code.Unavailable);
    expect(call?.attempts[1]?.candidates.map(({ instance, state, weight }) => [instance, state, weight])).toEqual([
      ["a", "tried", 10],
      ["b", "in", 10],
      ["c", "in", 10],
    ]);
    expect(call?.attempts[1]?.candidates[0]?.expectedMs).toBeGreaterThan(0);
    // Ten a second for ten seconds and a fifth of one call, less the one that was taken.
    expect(call?.budgetLeft).toBeCloseTo(99.2, 5);
    expect(call?.throttleTokens).toBe(9.1);
  });

  test("why it failed", async () => {
    await using of = scripted(() => {
      throw refusal(Code.Unavailable);
    }, { idempotent: false });
    of.show("a");
    const [call] = await explained(() => failure(of.call({})));
    expect([call?.error?.code, call?.attempts.map(({ next }) => next)]).toEqual([Code.Unavailable, ["unsafe"]]);
  });

  test("the error that its caller gets, and another attempt only where one followed", async () => {
    await using of = scripted(() => {
      throw connectionError("cannot connect", "unsent");
    });
    const waited: ConnectError[] = [];
    const [waiting] = await explained(async () => waited.push(await failure(of.call({}, { timeoutMs: 30 }))));
    expect(waiting?.error?.message).toBe(waited[0]?.message);
    expect(waiting?.error?.rawMessage).toContain("the call was not answered within 30 ms: the registry has not answered yet");
    of.show("a");
    const call = of.client({ waitForReady: false });
    const [failed] = await explained(() => failure(call({})));
    expect(failed?.attempts.map(({ next, afterMs }) => [next, afterMs])).toEqual([["unsent", undefined]]);
  });

  test("which instances are ejected or lost", async () => {
    await using of = scripted(
      (at) => {
        if (at.id === "a") throw refusal(Code.Internal);
        return { id: at.id };
      },
      { mesh: { outlier: { consecutiveFailures: 1 } } },
    );
    of.channel.reachable = () => false;
    of.show("a", "b", "c", "d", "e");
    for (let turn = 0; turn < 5; turn++) await of.call({}).catch(() => {});
    of.channel.lose.get("b")?.(new Error("reset"));
    const [call] = await explained(() => of.call({}));
    expect(call?.attempts[0]?.candidates.map(({ state }) => state)).toEqual(["ejected", "lost", "in", "in", "in"]);
  });

  test("its copies, and which were given up", async () => {
    await using of = scripted((at, signal) => (at.id === "a" ? hang(signal) : { id: at.id }), {
      client: { hedging: { delayMs: 1 } },
    });
    of.show("a", "b");
    const [call] = await explained(() => of.call({}));
    expect(call?.attempts.map(({ instance, why, next }) => [instance, why, next])).toEqual([
      ["a", "first", "given up"],
      ["b", "hedge", "answered"],
    ]);
  });

  test("what followed the failure of a copy", async () => {
    const attempts = async (code: Code, pushback?: string, hangs = false): Promise<readonly unknown[]> => {
      await using of = scripted(
        (at, signal) => {
          if (hangs && at.id === "a") return hang(signal);
          throw refusal(code, pushback);
        },
        { client: { hedging: { delayMs: hangs ? 1 : 60_000 } } },
      );
      of.show("a", "b", "c");
      const [call] = await explained(() => failure(of.call({}, { timeoutMs: 200 })));
      return (call?.attempts ?? []).map(({ why, next, afterMs }) => [why, next, afterMs]);
    };
    expect(await attempts(Code.NotFound)).toEqual([["first", "code", undefined]]);
    expect(await attempts(Code.NotFound, undefined, true)).toEqual([
      ["first", "given up", undefined],
      ["hedge", "code", undefined],
    ]);
    expect(await attempts(Code.Unavailable)).toEqual([
      ["first", "code", 0],
      ["hedge", "attempts", undefined],
    ]);
    expect(await attempts(Code.ResourceExhausted, "3")).toEqual([
      ["first", "pushback", 3],
      ["hedge", "attempts", undefined],
    ]);
    expect(await attempts(Code.Unavailable, "-1")).toEqual([["first", "pushback", undefined]]);
    expect(await attempts(Code.Unavailable, "60000")).toEqual([["first", "deadline", undefined]]);
    expect((await attempts(Code.Unavailable, undefined, true)).at(1)).toEqual(["hedge", "left to the other copies", undefined]);
  });

  test("the key that it went by", async () => {
    await using of = scripted((at) => ({ id: at.id }), {
      method: { hashKey: "owner.id", balancer: "ring_hash" },
      mesh: { balancer: peakEwma() },
    });
    of.show("a", "b", "c", "d");
    const homes = new Set<string>();
    const [call] = await explained(async () => homes.add((await of.call({ owner: { id: "ada" } })).id));
    for (let turn = 0; turn < 20; turn++) homes.add((await of.call({ owner: { id: "ada" } })).id);
    expect([call?.hashKey, homes.size]).toEqual(["ada", 1]);
    // A balancer of the client's own wins over that of the contract.
    const own = of.client({ balancer: roundRobin() });
    for (let turn = 0; turn < 4; turn++) homes.add((await own({ owner: { id: "ada" } })).id);
    expect(homes.size).toBe(4);
    homes.clear();
    for (let turn = 0; turn < 100; turn++) homes.add((await of.call({ owner: { id: `k${turn}` } })).id);
    expect(homes.size).toBe(4);
  });

  test("that it did not leave the process", async () => {
    await using started = await startMesh({ listen: undefined });
    const [call] = await explained(() => started.mesh.client(GreetService).greet({}));
    expect(call?.attempts.map(({ instance, channel, next }) => [instance, channel, next])).toEqual([
      ["local", "local", "answered"],
    ]);
  });
});
