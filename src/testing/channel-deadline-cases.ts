import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { defaultTimeoutMs } from "./channel-bench.ts";
import { answerStreams, everyKind, requestStreams, testsOf } from "./channel-case.ts";
import type { ChannelTest, KindCases } from "./channel-case.ts";
import { kindNames, noted } from "./channel-kinds.ts";
import type { Handler, Sent } from "./channel-kinds.ts";
import { Offer } from "./channel-offer.ts";

/** The deadline of calls that are to reach it, in milliseconds. */
const shortMs = 250;

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
    const call = await bench.serve(async function* none() {
      yield {};
    });
    await bench.all(kindNames[kind], call(kind, [{}]));
    await bench.all(kindNames[kind], call(kind, [{}], { timeoutMs: 5_000 }));
    // What is left is asked for later: it is less by then, also below 0.
    const [general, own] = bench.contexts.map((context) => context.timeoutMs() ?? Infinity);
    assert.ok(general !== undefined && own !== undefined);
    assert.ok(general <= defaultTimeoutMs, `the mesh's deadline of ${defaultTimeoutMs} ms became ${general} ms`);
    assert.ok(general > 5_000, `the mesh's deadline of ${defaultTimeoutMs} ms became ${general} ms`);
    assert.ok(own <= 5_000, `the call's deadline of 5000 ms became ${own} ms`);
  },

  "ends at the deadline on both sides, whatever the handler does": async (bench, kind) => {
    const call = await bench.serve(hang);
    const begin = performance.now();
    await bench.fails(kindNames[kind], Code.DeadlineExceeded, call(kind, [{}], { timeoutMs: shortMs }));
    const tookMs = performance.now() - begin;
    assert.ok(tookMs >= shortMs - 10, `a call with ${shortMs} ms to go ended after ${tookMs} ms`);
    await bench.told();
  },
};

const answering: KindCases = {
  "ends at the deadline after messages": async (bench, kind) => {
    const call = await bench.serve(hang);
    const seen: bigint[] = [];
    const answers = noted(call(kind, [{ number: 2n }], { timeoutMs: 2 * shortMs }), seen);
    await bench.fails(kindNames[kind], Code.DeadlineExceeded, answers);
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
    const offer = new Offer<Sent>();
    offer.push({});
    const options = { timeoutMs: 2 * shortMs };
    await bench.fails(kindNames[kind], Code.DeadlineExceeded, call(kind, offer, options));
    await bench.told();
    await bench.until("the client's stream to be ended", () => offer.left);
  },
};

/** What a channel must do with deadlines. */
export const channelDeadlineCases: readonly ChannelTest[] = [
  ...testsOf(everyKind, always),
  ...testsOf(answerStreams, answering),
  ...testsOf(requestStreams, asking),
];
