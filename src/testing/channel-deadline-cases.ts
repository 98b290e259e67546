import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { defaultTimeoutMs } from "./channel-bench.ts";
import { answerStreams, everyKind, requestStreams, testsOf } from "./channel-case.ts";
import type { ChannelTest, KindCases } from "./channel-case.ts";
import { kindNames, noted } from "./channel-kinds.ts";
import type { Handler, Sent } from "./channel-kinds.ts";
import { Offer } from "./channel-offer.ts";

/**
 * Deadlines that calls are to reach, in milliseconds: the next one is tried
 * where a call did not come as far as it should before.
 */
const deadlinesMs = [250, 1_000, 4_000];

/** Answers as often as it is asked to and then does nothing any more, whatever it is told. */
const hang: Handler = async function* hang(requests) {
  for await (const { number } of requests) {
    for (let at = 1n; at <= number; at++) yield { number: at };
    break;
  }
  await new Promise(() => {});
};

const always: KindCases = {
  "tells the handler how much time is left": async (bench, kind) => {
    const left: number[] = [];
    const call = await bench.serve(async function* look(_requests, context) {
      left.push(context.timeoutMs() ?? Infinity);
      yield {};
    });
    await bench.all(kindNames[kind], call(kind, [{}]));
    await bench.all(kindNames[kind], call(kind, [{}], { timeoutMs: 5_000 }));
    const wrong = (given: number, at: number): string => `a deadline of ${given} ms became one of ${left[at]} ms`;
    const within = (at: number, least: number, most: number): boolean =>
      (left[at] ?? 0) > least && (left[at] ?? 0) <= most;
    assert.ok(within(0, 5_000, defaultTimeoutMs), wrong(defaultTimeoutMs, 0));
    assert.ok(within(1, 0, 5_000), wrong(5_000, 1));
  },

  "ends at the deadline on both sides, whatever the handler does": async (bench, kind) => {
    const call = await bench.serve(hang);
    for (const timeoutMs of deadlinesMs) {
      const begin = performance.now();
      await bench.fails(kindNames[kind], Code.DeadlineExceeded, call(kind, [{}], { timeoutMs }));
      const tookMs = performance.now() - begin;
      assert.ok(tookMs >= timeoutMs - 10, `a call with ${timeoutMs} ms to go ended after ${tookMs} ms`);
      if (bench.contexts.length > 0) break;
    }
    await bench.told();
  },
};

const answering: KindCases = {
  "ends at the deadline after messages": async (bench, kind) => {
    const call = await bench.serve(hang);
    let seen: bigint[] = [];
    for (const timeoutMs of deadlinesMs) {
      seen = [];
      const answers = noted(call(kind, [{ number: 2n }], { timeoutMs }), seen);
      await bench.fails(kindNames[kind], Code.DeadlineExceeded, answers);
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen, [1n, 2n], "messages before the deadline are missing");
    await bench.told();
  },
};

const asking: KindCases = {
  "ends at the deadline when the client has not ended": async (bench, kind) => {
    const call = await bench.serve(async function* read(requests) {
      for await (const _ of requests);
      yield {};
    });
    for (const timeoutMs of deadlinesMs) {
      const offer = new Offer<Sent>();
      offer.push({});
      await bench.fails(kindNames[kind], Code.DeadlineExceeded, call(kind, offer, { timeoutMs }));
      await bench.until("the client's stream to be ended", () => offer.left);
      if (bench.contexts.length > 0) break;
    }
    await bench.told();
  },
};

/** What a channel must do with deadlines. */
export const channelDeadlineCases: readonly ChannelTest[] = [
  ...testsOf(everyKind, always),
  ...testsOf(answerStreams, answering),
  ...testsOf(requestStreams, asking),
];
