import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ChannelBench } from "./channel-bench.ts";
import { answerStreams, everyKind, requestStreams, testsOf } from "./channel-case.ts";
import type { ChannelTest, KindCases } from "./channel-case.ts";
import { kindNames } from "./channel-kinds.ts";
import type { Content, Handler, Sent } from "./channel-kinds.ts";
import { Gate, Offer } from "./channel-offer.ts";

/** Does nothing, whatever it is told. */
const hang: Handler = async function* hang() {
  yield await new Promise<never>(() => {});
};

/** Answers without end; `cleaned` opens when it is left. */
function endless(cleaned: Gate): Handler {
  return async function* answer() {
    try {
      for (let at = 1n; ; at++) yield { number: at };
    } finally {
      cleaned.open();
    }
  };
}

const always: KindCases = {
  "ends when the caller cancels, on both sides": async (bench, kind) => {
    const call = await bench.serve(hang);
    const stop = new AbortController();
    const ended = cancelled(bench, kindNames[kind], call(kind, [{}], { signal: stop.signal }));
    await bench.begun();
    stop.abort();
    await ended;
    const { signal } = await bench.told();
    const { code } = ConnectError.from(signal.reason);
    assert.equal(Code[code], Code[Code.Canceled], "the handler's signal gives another reason");
  },

  "calls nobody when the caller has cancelled already": async (bench, kind) => {
    const call = await bench.serve(async function* none() {
      yield {};
    });
    const options = { signal: AbortSignal.abort() };
    await bench.fails(kindNames[kind], Code.Canceled, call(kind, [{}], options));
    await bench.all(kindNames[kind], call(kind, [{}]));
    assert.equal(bench.contexts.length, 1, "a call that was cancelled before it began reached the handler");
  },
};

const answering: KindCases = {
  "lets a handler clean up when the caller cancels": async (bench, kind) => {
    const cleaned = new Gate();
    const call = await bench.serve(endless(cleaned));
    const stop = new AbortController();
    const answers = call(kind, [{}], { signal: stop.signal });
    const some = (async function* some() {
      for await (const answer of answers) {
        if (answer.number === 3n) stop.abort();
        yield answer;
      }
    })();
    await cancelled(bench, kindNames[kind], some);
    await bench.told();
    await bench.within("the handler's clean-up", () => cleaned.opened);
  },

  "cancels when the caller leaves the answers, if its client can tell": async (bench, kind) => {
    const cleaned = new Gate();
    await bench.serve(endless(cleaned));
    const { client } = bench;
    const stop = new AbortController();
    const { signal } = stop;
    const answers: AsyncIterable<Content> =
      kind === "download" ? client.download({}, { signal }) : client.converse(new Offer<Sent>(), { signal });
    const reader = answers[Symbol.asyncIterator]();
    await bench.within("an answer", () => reader.next());
    if (reader.return === undefined) {
      // Connect's own client cannot.
      stop.abort();
      await cancelled(bench, kindNames[kind], { [Symbol.asyncIterator]: () => reader });
      return;
    }
    await bench.within("the end of the answers", async () => reader.return?.());
    await bench.told();
    await bench.within("the handler's clean-up", () => cleaned.opened);
  },
};

const asking: KindCases = {
  "ends the client's stream when the caller cancels": async (bench, kind) => {
    let end = "none";
    const call = await bench.serve(async function* read(requests) {
      try {
        for await (const { text } of requests) end = text;
        end = "a good one";
      } catch {
        end = "an error";
      }
      yield {};
    });
    const stop = new AbortController();
    const offer = new Offer<Sent>();
    offer.push({ text: "begun" });
    const ended = cancelled(bench, kindNames[kind], call(kind, offer, { signal: stop.signal }));
    await bench.until("the first request", () => end === "begun");
    stop.abort();
    await ended;
    await bench.told();
    await bench.until("the client's stream to be ended", () => offer.left);
    await bench.until("the handler's requests to end", () => end !== "begun");
    assert.equal(end, "an error", "the handler must not see a good end of requests that broke off");
  },
};

/** Waits for the end of a call that is cancelled meanwhile. */
function cancelled(bench: ChannelBench, what: string, answers: AsyncIterable<Content>): Promise<unknown> {
  const ended = bench.fails(what, Code.Canceled, answers);
  // What comes before it may fail as well.
  ended.catch(() => {});
  return ended;
}

/** What a channel must do when a caller gives up. */
export const channelCancelCases: readonly ChannelTest[] = [
  ...testsOf(everyKind, always),
  ...testsOf(answerStreams, answering),
  ...testsOf(requestStreams, asking),
];
