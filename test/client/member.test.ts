import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Member } from "../../src/client/member.ts";
import { ClientPeer } from "../../src/client/peer.ts";
import { connectionError, instance } from "../../src/index.ts";
import { codeBits, Outcomes } from "../../src/resilience/outcomes.ts";

function member(now?: () => number) {
  const of = instance({ id: "a", component: "greeter", services: ["greet.v1.GreetService"], channels: { test: "test:" } });
  const never = (): Promise<never> => Promise.reject(new Error("nobody calls"));
  const transport = { unary: never, stream: never, [Symbol.asyncDispose]: () => Promise.resolve() };
  const made = new Member(new ClientPeer(of, "test", () => transport), undefined, now);
  const turns: string[] = [];
  const outcomes = new Outcomes(codeBits([Code.Unavailable]), 5, (_, turn) => turns.push(turn));
  made.outcomes = outcomes;
  const lose = (nowMs: number): void => {
    made.begin();
    made.end(nowMs - 1, nowMs, connectionError("the connection broke", "sent"));
  };
  return { made, outcomes, turns, lose };
}

test("calls that are lost with one connection are one failure", () => {
  const { made, turns, lose } = member();
  for (let call = 0; call < 100; call++) lose(1_000 + call * 0.5);
  expect([made.outcomes?.failures, turns]).toEqual([1, []]);
});

test("an instance that loses one connection after the other is ejected all the same", () => {
  const { made, turns, lose } = member();
  for (let loss = 0; loss < 5; loss++) for (let call = 0; call < 10; call++) lose(1_000 + loss * 100);
  expect([made.outcomes?.failures, turns]).toEqual([5, ["failures"]]);
});

test("an instance that returns is judged by what it does from then on, not by what it did before", () => {
  const { made } = member();
  made.begin();
  made.end(0, 5_000, undefined);
  expect(made.latency.expectedMs(5_000)).toBe(5_000);
  made.eject("consecutive failures");
  made.uneject();
  expect(made.latency.expectedMs(5_000)).toBe(0);
});

test("one that returns while a stream goes on there counts as the call that decided, or it would get no other", () => {
  let nowMs = 10_000;
  const { made, outcomes } = member(() => nowMs);
  made.peer.hold();
  made.begin();
  made.end(0, 5_000, undefined);
  made.eject("consecutive failures");
  outcomes.stand("probation");
  made.probe();
  made.begin();
  nowMs += 7;
  made.end(10_000, nowMs, undefined);
  made.uneject();
  expect([made.inFlight, made.latency.expectedMs(nowMs)]).toEqual([1, 7]);
});
