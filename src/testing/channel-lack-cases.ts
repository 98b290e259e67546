import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { limitBytes } from "./channel-bench.ts";
import type { ChannelBench } from "./channel-bench.ts";
import type { ChannelAbility, ChannelTest } from "./channel-case.ts";
import { kindNames } from "./channel-kinds.ts";
import type { Kind } from "./channel-kinds.ts";

/** What must be so instead, where a channel lacks an ability. */
const instead: Readonly<Record<ChannelAbility, readonly [string, ChannelTest["test"]]>> = {
  serverStreams: refusal("download"),
  clientStreams: refusal("upload"),
  bidi: refusal("converse"),

  limits: [
    "carries messages beyond the limits",
    async (bench) => {
      const call = await bench.serve(async function* echo(requests) {
        for await (const { text } of requests) yield { text };
      });
      const text = "x".repeat(2 * limitBytes);
      const answer = await bench.one("a call with a large message", call("ask", [{ text }]));
      assert.equal(answer.text.length, text.length);
    },
  ],

  connections: [
    "answers wherever its instance is said to be",
    async (bench) => {
      const call = await bench.serve(async function* answer() {
        yield {};
      });
      await bench.one("a call", call("ask", [{}]));
      const elsewhere = bench.connect({}, "http://127.0.0.1:1");
      await bench.one("a call to an address where nobody is", elsewhere.call("ask", [{}]));
    },
  ],
};

/** What must be so because of what a channel lacks. */
export function lackTests(
  lacks: Readonly<Partial<Record<ChannelAbility, string>>>,
): readonly ChannelTest[] {
  return Object.entries(lacks).map(([ability, reason]) => {
    const found = instead[ability as ChannelAbility];
    if (found === undefined || reason.trim() === "") {
      const known = Object.keys(instead).join(", ");
      throw new TypeError(`lacks.${ability} must be one of ${known}, with the reason as its value`);
    }
    const [name, test] = found;
    return { name: `${name}, since ${reason}`, needs: [], test };
  });
}

function refusal(kind: Kind): readonly [string, ChannelTest["test"]] {
  return [`refuses ${kindNames[kind]}`, (bench) => refuses(bench, kind)];
}

/** A call that cannot be made must say so at once, with the method's name, and reach nobody. */
async function refuses(bench: ChannelBench, kind: Kind): Promise<void> {
  const call = await bench.serve(async function* answer() {
    yield {};
  });
  const error = await bench.fails(kindNames[kind], Code.Unimplemented, call(kind, [{}]));
  const name = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
  assert.ok(
    error.rawMessage.includes(name),
    `the error must name the method ${name} and say why it cannot be called: ${error.rawMessage}`,
  );
  assert.equal(bench.contexts.length, 0, "a call that was refused reached the handler");
}
