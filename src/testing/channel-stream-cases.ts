import assert from "node:assert/strict";
import { answerStreams, requestStreams, testsOf } from "./channel-case.ts";
import type { ChannelTest, KindCases } from "./channel-case.ts";
import { kindNames } from "./channel-kinds.ts";
import type { Handler, Sent } from "./channel-kinds.ts";
import { Gate, Offer } from "./channel-offer.ts";

/** Many small messages. */
const many = 3_000;

/** Answers with as many messages as the first one asks for. */
const countTo: Handler = async function* countTo(requests) {
  let count = 0n;
  for await (const { number } of requests) count ||= number;
  for (let at = 1n; at <= count; at++) yield { number: at };
};

/** Answers, when the requests have ended, with how many there were and with their numbers put together. */
const sumUp: Handler = async function* sumUp(requests) {
  let count = 0n;
  let ordered = true;
  for await (const { number } of requests) {
    count++;
    ordered &&= number === count;
  }
  yield { number: count, text: ordered ? "in order" : "out of order" };
};

const answers: KindCases = {
  "brings many answers in order": async (bench, kind) => {
    const call = await bench.serve(countTo);
    const seen = await bench.all(kindNames[kind], call(kind, [{ number: BigInt(many) }]));
    assert.deepEqual(
      seen.map(({ number }) => number),
      Array.from({ length: many }, (_, at) => BigInt(at + 1)),
    );
  },

  "brings an answer at once, not with the next": async (bench, kind) => {
    const gate = new Gate();
    const call = await bench.serve(async function* two() {
      yield { number: 1n };
      await gate.opened;
      yield { number: 2n };
    });
    const stream = call(kind, [{}])[Symbol.asyncIterator]();
    const first = await bench.within("an answer before the next one is made", () => stream.next());
    gate.open();
    const rest = [await bench.within("the next answer", () => stream.next()), await stream.next()];
    assert.deepEqual(
      [first, ...rest].map(({ done, value }) => [done, value?.number]),
      [[false, 1n], [false, 2n], [true, undefined]],
    );
  },

  "ends without an answer": async (bench, kind) => {
    const call = await bench.serve(countTo);
    assert.deepEqual(await bench.all(kindNames[kind], call(kind, [{ number: 0n }])), []);
  },
};

const requests: KindCases = {
  "brings many requests in order": async (bench, kind) => {
    const call = await bench.serve(sumUp);
    const sent = Array.from({ length: many }, (_, at) => ({ number: BigInt(at + 1) }));
    const { number, text } = await bench.one(kindNames[kind], call(kind, sent));
    assert.deepEqual([number, text], [BigInt(many), "in order"]);
  },

  "brings a request at once, not with the next": async (bench, kind) => {
    const offer = new Offer<Sent>();
    const seen: bigint[] = [];
    const call = await bench.serve(async function* collect(requests) {
      for await (const { number } of requests) seen.push(number);
      yield {};
    });
    const running = Array.fromAsync(call(kind, offer));
    running.catch(() => {});
    for (const number of [1n, 2n]) {
      offer.push({ number });
      await bench.until("a request before the next one is made", () => seen.includes(number));
    }
    offer.end();
    await bench.within(`the end of ${kindNames[kind]}`, () => running);
    assert.deepEqual(seen, [1n, 2n]);
  },

  "ends without a request": async (bench, kind) => {
    const call = await bench.serve(sumUp);
    assert.equal((await bench.one(kindNames[kind], call(kind, []))).number, 0n);
  },

  "answers before the client has ended, and ends the client's stream": async (bench, kind) => {
    const call = await bench.serve(async function* early(requests) {
      for await (const { number } of requests) {
        yield { number: number + 1n };
        return;
      }
    });
    const offer = new Offer<Sent>();
    offer.push({ number: 1n });
    const { number } = await bench.one("a call that is answered early", call(kind, offer));
    assert.equal(number, 2n);
    await bench.until("the client's stream to be ended", () => offer.left);
  },
};

/** Reading on after the answer is odd, but what is read must not look complete. */
const cutOff: KindCases = {
  "does not take requests that its answer cut off for all of them": async (bench, kind) => {
    let end = "none";
    const call = await bench.serve(async function* early(requests) {
      const begun = new Gate();
      void (async () => {
        try {
          for await (const _ of requests) begun.open();
          end = "a good one";
        } catch {
          end = "an error";
        }
      })();
      await begun.opened;
      yield {};
    });
    const offer = new Offer<Sent>();
    offer.push({});
    await bench.one("a call that is answered early", call(kind, offer));
    await bench.until("the handler's requests to end", () => end !== "none");
    assert.equal(end, "an error", "the handler must not see a good end of requests that broke off");
  },
};

const turns: KindCases = {
  "brings each answer before the next request": async (bench, kind) => {
    const call = await bench.serve(async function* each(requests) {
      for await (const { number } of requests) yield { number: -number };
    });
    const offer = new Offer<Sent>();
    const stream = call(kind, offer)[Symbol.asyncIterator]();
    for (const number of [1n, 2n, 3n]) {
      offer.push({ number });
      const { value } = await bench.within("an answer before the next request", () => stream.next());
      assert.equal(value?.number, -number);
    }
    offer.end();
    assert.equal((await bench.within("the end of the call", () => stream.next())).done, true);
  },

  "lets the server speak first": async (bench, kind) => {
    const call = await bench.serve(async function* greet(requests) {
      yield { text: "who is there?" };
      for await (const { text } of requests) yield { text: `hello ${text}` };
    });
    const offer = new Offer<Sent>();
    const stream = call(kind, offer)[Symbol.asyncIterator]();
    const first = await bench.within("an answer before any request", () => stream.next());
    assert.equal(first.value?.text, "who is there?");
    offer.push({ text: "Ada" });
    offer.end();
    const rest = [await bench.within("the second answer", () => stream.next()), await stream.next()];
    assert.deepEqual(rest.map(({ done, value }) => [done, value?.text]), [[false, "hello Ada"], [true, undefined]]);
  },

  "answers on after the client has ended": async (bench, kind) => {
    const call = await bench.serve(countTo);
    const seen = await bench.all(kindNames[kind], call(kind, [{ number: 3n }, {}]));
    assert.deepEqual(seen.map(({ number }) => number), [1n, 2n, 3n]);
  },
};

/** What a channel must do with streams. */
export const channelStreamCases: readonly ChannelTest[] = [
  ...testsOf(answerStreams, answers),
  ...testsOf(requestStreams, requests),
  ...testsOf(requestStreams, cutOff),
  ...testsOf(["converse"], turns),
];
