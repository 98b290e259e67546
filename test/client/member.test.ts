import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Member } from "../../src/client/member.ts";
import { ClientPeer } from "../../src/client/peer.ts";
import { connectionError, instance } from "../../src/index.ts";
import { codeBits, Outcomes } from "../../src/resilience/outcomes.ts";

function member() {
  const of = instance({ id: "a", component: "greeter", services: ["greet.v1.GreetService"], channels: { test: "test:" } });
  const never = (): Promise<never> => Promise.reject(new Error("nobody calls"));
  const transport = { unary: never, stream: never, [Symbol.asyncDispose]: () => Promise.resolve() };
  const made = new Member(new ClientPeer(of, "test", () => transport));
  const turns: string[] = [];
  made.outcomes = new Outcomes(codeBits([Code.Unavailable]), 5, (_, turn) => turns.push(turn));
  const lose = (nowMs: number): void => {
    made.begin();
    made.end(nowMs - 1, nowMs, connectionError("the connection broke", "sent"));
  };
  return { made, turns, lose };
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
