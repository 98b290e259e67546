import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { ChannelBench } from "./channel-bench.ts";
import { answerStreams, everyKind, requestStreams, testsOf } from "./channel-case.ts";
import type { ChannelTest, KindCases } from "./channel-case.ts";
import { kindNames } from "./channel-kinds.ts";
import type { Sent } from "./channel-kinds.ts";
import { Gate } from "./channel-offer.ts";

/** Calls that are made at once; more than one HTTP/2 connection carries in most servers. */
const manyCalls = 200;
/** Streams that are open at the same time. */
const manyStreams = 30;

/** Size of the messages of a side that does not end by itself, in bytes. */
const messageBytes = 32_768;
/** How many of them sockets and windows may hold: 24 MiB. */
const room = 768;
/** A side that has made no message for this long waits for the other one, in milliseconds. */
const stillMs = 250;

const atOnce: KindCases = {
  [`answers ${manyCalls} calls at once, each with its own answer`]: async (bench, kind) => {
    const call = await bench.serve(async function* echo(requests) {
      for await (const { number } of requests) yield { number };
    });
    const numbers = Array.from({ length: manyCalls }, (_, at) => BigInt(at));
    const answers = await Promise.all(
      numbers.map((number) => bench.one(kindNames[kind], call(kind, [{ number }]))),
    );
    assert.deepEqual(answers.map(({ number }) => number), numbers, "a call got another one's answer");
  },
};

const together: KindCases = {
  [`carries ${manyStreams} calls that all wait for each other`]: async (bench, kind) => {
    const gate = new Gate();
    const call = await bench.serve(async function* wait(requests) {
      if (bench.contexts.length === manyStreams) gate.open();
      await gate.opened;
      for await (const { number } of requests) yield { number };
    });
    const numbers = Array.from({ length: manyStreams }, (_, at) => BigInt(at));
    const answers = await Promise.all(
      numbers.map((number) => bench.one(kindNames[kind], call(kind, [{ number }]))),
    );
    assert.deepEqual(answers.map(({ number }) => number), numbers, "a call got another one's answer");
  },
};

const slowReader: KindCases = {
  "makes the server wait for a slow reader": async (bench, kind) => {
    const source = new Flood();
    const call = await bench.serve(() => source.messages());
    const stop = new AbortController();
    const reader = call(kind, [{}], { signal: stop.signal })[Symbol.asyncIterator]();
    const read = async (wanted: number): Promise<void> => {
      const { value } = await bench.within("an answer", () => reader.next());
      assert.equal(value?.number, BigInt(wanted));
    };
    await read(1);
    await source.waits(bench, "server");
    // All that was held back is there, and then more.
    const held = source.made + 20;
    for (let at = 2; at <= held; at++) await read(at);
    stop.abort();
    await assert.rejects(bench.within("the end of the call", () => Array.fromAsync({ [Symbol.asyncIterator]: () => reader })));
  },
};

const slowServer: KindCases = {
  "makes the client wait for a slow server": async (bench, kind) => {
    const source = new Flood();
    const gate = new Gate();
    const call = await bench.serve(async function* read(requests) {
      let count = 0n;
      for await (const { number } of requests) {
        assert.equal(number, ++count);
        if (count === 1n) await gate.opened;
      }
      yield { number: count };
    });
    const running = bench.one(kindNames[kind], call(kind, source.messages()));
    running.catch(() => {});
    await source.waits(bench, "client");
    source.limit = source.made + 20;
    gate.open();
    assert.equal((await running).number, BigInt(source.limit));
  },
};

/** Messages without end. */
class Flood {
  /** How many were made. */
  made = 0;
  /** How many are made at most. */
  limit: number = Infinity;

  async *messages(): AsyncGenerator<Sent> {
    // Random, since what can be compressed would be no flood.
    const data = randomBytes(messageBytes);
    while (this.made < this.limit) yield { number: BigInt(++this.made), data };
  }

  /** Waits until no more messages are made, which must be before there is no room for more. */
  async waits(bench: ChannelBench, side: string): Promise<void> {
    let [made, since] = [0, 0];
    await bench.until(`the ${side} to wait`, () => {
      if (made !== this.made) [made, since] = [this.made, performance.now()];
      return made >= room || (made > 0 && performance.now() - since > stillMs);
    });
    const message = `the ${side} went on to message ${made}, each of ${messageBytes} bytes, while one was read`;
    assert.ok(made < room, message);
  }
}

/** What a channel must do with many calls and with many messages. */
export const channelLoadCases: readonly ChannelTest[] = [
  ...testsOf(["ask", "download"], atOnce),
  ...testsOf(everyKind, together),
  ...testsOf(answerStreams, slowReader),
  ...testsOf(requestStreams, slowServer),
];
