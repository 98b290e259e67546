import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { everyKind, testsOf } from "./channel-case.ts";
import type { ChannelTest, KindCases } from "./channel-case.ts";
import { limitBytes } from "./channel-bench.ts";
import type { ChannelBench, Direct } from "./channel-bench.ts";
import { kindNames } from "./channel-kinds.ts";
import type { Content, Handler, Kind, Sent } from "./channel-kinds.ts";

/** Answers each message with itself. */
const echo: Handler = async function* echo(requests) {
  for await (const { text, number, data } of requests) yield { text, number, data };
};

const words = ["grüezi", "日本語", "🙂 and 🙃", "nul \0 and \n", '"quoted" \\ %41 / ? #'];

const samples: readonly Sent[] = [
  { text: words.join(" "), number: 2n ** 63n - 1n, data: Uint8Array.from({ length: 256 }, (_, at) => at) },
  { text: "x", number: -(2n ** 63n) },
  {},
];

const large = (bytes: number): Sent => ({ text: "x".repeat(bytes) });

/** What the message of a sample must arrive as. */
function plain({ text = "", number = 0n, data = new Uint8Array() }: Sent): Content {
  return { text, number, data: Uint8Array.from(data) };
}

/** How each kind of method is sent a message that matters, behind others where there are streams. */
function asked(kind: Kind, message: Sent): readonly Sent[] {
  return kind === "upload" || kind === "converse" ? [{ text: "before" }, message] : [message];
}

const exact: KindCases = {
  "carries messages as they are": async (bench, kind) => {
    const seen: Content[] = [];
    const call = await bench.serve(async function* each(requests) {
      for await (const request of requests) {
        seen.push(plain(request));
        yield request;
      }
    });
    // A path, which a message without side effects may become, has no room for an empty text.
    const sent = kind === "look" ? samples.filter(({ text = "" }) => text !== "") : samples;
    for (const sample of sent) {
      const answers = await bench.all(kindNames[kind], call(kind, [sample]));
      assert.deepEqual(answers.map(plain), [plain(sample)], "the answer is not what the server sent");
    }
    assert.deepEqual(seen, sent.map(plain), "the server did not get what the client sent");
  },
};

const megabyte: KindCases = {
  "carries messages of a megabyte": async (bench, kind) => {
    const call = await bench.serve(echo);
    const message = { ...large(1_000_000), data: new Uint8Array(200_000).fill(7) };
    const answer = (await bench.all(kindNames[kind], call(kind, asked(kind, message)))).at(-1);
    assert.ok(answer !== undefined && answer.text === message.text, "the text has changed");
    assert.ok(Buffer.from(message.data).equals(answer.data), "the bytes have changed");
  },
};

const limits: KindCases = {
  "refuses requests beyond the limits, on both sides": async (bench, kind) => {
    const call = await bench.serve(echo);
    await bench.all(kindNames[kind], call(kind, [{ text: "connects" }]));
    const lenient = bench.connect({ writeMaxBytes: 8 * limitBytes });
    const strict = bench.connect({ writeMaxBytes: 1_000 });
    for (const [of, direct, bytes] of [
      ["the server's readMaxBytes", lenient, limitBytes + limitBytes / 2],
      ["the client's writeMaxBytes", strict, 2_000],
    ] as const) {
      const what = `${kindNames[kind]} with a request beyond ${of}`;
      await bench.fails(what, Code.ResourceExhausted, direct.call(kind, asked(kind, large(bytes))));
      await goesOn(bench, direct);
    }
  },

  "refuses answers beyond the limits, on both sides": async (bench, kind) => {
    const call = await bench.serve(async function* sized(requests) {
      for await (const { number } of requests) yield large(Number(number));
    });
    await bench.all(kindNames[kind], call(kind, [{ text: "connects" }]));
    const lenient = bench.connect({ readMaxBytes: 8 * limitBytes });
    const strict = bench.connect({ readMaxBytes: 1_000 });
    for (const [of, direct, bytes] of [
      ["the server's writeMaxBytes", lenient, limitBytes + limitBytes / 2],
      ["the client's readMaxBytes", strict, 2_000],
    ] as const) {
      const what = `${kindNames[kind]} with an answer beyond ${of}`;
      const messages = asked(kind, { number: BigInt(bytes) });
      await bench.fails(what, Code.ResourceExhausted, direct.call(kind, messages));
      await goesOn(bench, direct);
    }
  },
};

/** A message that is refused is no reason to refuse the next. */
async function goesOn(bench: ChannelBench, { call }: Direct): Promise<void> {
  const answers = await bench.all("the call after a refused message", call("ask", [{}]));
  assert.deepEqual(answers.map(plain), [plain({})]);
}

/** What a channel must do with messages. */
export const channelMessageCases: readonly ChannelTest[] = [
  ...testsOf([...everyKind, "look"], exact),
  ...testsOf(everyKind, megabyte),
  ...testsOf(everyKind, limits, "limits"),
];
