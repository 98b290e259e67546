import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ChannelBench, Direct } from "./channel-bench.ts";
import { everyKind, tests, testsOf } from "./channel-case.ts";
import type { ChannelTest, KindCases } from "./channel-case.ts";
import { kindNames } from "./channel-kinds.ts";
import type { Content, Handler, Kind, Sent } from "./channel-kinds.ts";
import { Gate, Offer } from "./channel-offer.ts";

const echo: Handler = async function* echo(requests) {
  for await (const { text } of requests) yield { text };
};

/** Waits for `gate` before it answers. */
function waiting(gate: Gate): Handler {
  return async function* wait() {
    await gate.opened;
    yield { text: "late" };
  };
}

const finishing: KindCases = {
  "lets calls finish when it is closed": async (bench, kind) => {
    const gate = new Gate();
    const { transport, answers } = await begin(bench, kind, waiting(gate));
    const closed = transport[Symbol.asyncDispose]();
    gate.open();
    const texts = (await answers).map(({ text }) => text);
    assert.deepEqual(texts, ["late"], "a call that ran when the transport was closed got another answer");
    await bench.within("the end of a transport whose calls have ended", async () => closed);
  },
};

/** What is not connected has no calls but those that the mesh ends as their server. */
const cutting: KindCases = {
  "ends calls when the mesh waits no longer": async (bench, kind) => {
    const cut = new AbortController();
    const { transport, answers } = await begin(bench, kind, waiting(new Gate()), cut.signal);
    const closed = transport[Symbol.asyncDispose]();
    cut.abort();
    const error: unknown = await answers.catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ConnectError, `a call went on after \`cut\` had aborted: ${String(error)}`);
    await bench.within("the end of a transport after `cut` has aborted", async () => closed);
    await bench.told(1);
  },
};

/** Connects directly and makes a call that reaches its handler. */
async function begin(
  bench: ChannelBench,
  kind: Kind,
  handler: Handler,
  cut: AbortSignal = new AbortController().signal,
): Promise<Direct & { readonly answers: Promise<Content[]> }> {
  const known = await bench.serve(async function* first(requests, context) {
    // The first call only shows how the mesh connects.
    yield* bench.contexts.length === 1 ? echo(requests, context) : handler(requests, context);
  });
  await bench.all("the first call", known("ask", [{}]));
  const direct = bench.connect({ cut });
  const offer = new Offer<Sent>();
  offer.push({});
  offer.end();
  const answers = bench.all(kindNames[kind], direct.call(kind, offer));
  // What comes before it is waited for may fail as well.
  answers.catch(() => {});
  await bench.begun(1);
  return { ...direct, answers };
}

const reaching = {
  "fails with `unavailable` when nobody is there, without throwing before": async (bench: ChannelBench) => {
    const call = await bench.serve(echo);
    await bench.all("the first call", call("ask", [{}]));
    const { transport, call: callNobody } = bench.connect({}, await nowhere(bench.address));
    for (const kind of ["ask", "look"] as const) {
      const what = `${kindNames[kind]} to nobody`;
      const error = await bench.fails(what, Code.Unavailable, callNobody(kind, [{ text: "x" }]));
      assert.notEqual(error.rawMessage, "", "the error says nothing");
    }
    const probe = transport.probe?.(new AbortController().signal);
    if (probe === undefined) return;
    const found = await bench.within("the probe of nobody", async () => probe.then(() => true, () => false));
    assert.ok(!found, "a probe found somebody where nobody is");
  },

  "probes what is there, if it can": async (bench: ChannelBench) => {
    const call = await bench.serve(echo);
    await bench.all("the first call", call("ask", [{}]));
    const { transport } = bench.connect();
    if (transport.probe === undefined) return;
    const probe = transport.probe(new AbortController().signal);
    await bench.within("the probe of somebody", async () => probe);
    assert.equal(bench.contexts.length, 1, "a probe must not call a method");
  },

  "reaches an instance again that was away": async (bench: ChannelBench) => {
    const call = await bench.serve(echo);
    await bench.all("the first call", call("ask", [{}]));
    const { port } = bench;
    // Not every address can be taken a second time.
    if (port === undefined) return;
    const direct = bench.connect();
    const ask = (): Promise<Content> => bench.one("a call", direct.call("ask", [{ text: "again" }]));
    await ask();
    await bench.stop();
    await bench.fails("a call of an instance that has stopped", Code.Unavailable, direct.call("ask", [{}]));
    await bench.serve(echo, port);
    assert.equal((await bench.until("an instance that has come back", ask)).text, "again");
  },
};

/** An address of the same form where nobody listens. */
async function nowhere(address: string): Promise<string> {
  if (address.startsWith("unix:")) return `${address}-nobody`;
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  server.close();
  await once(server, "close");
  const url = new URL(address);
  url.port = String(typeof bound === "object" ? bound?.port : "");
  return url.origin;
}

/** What a channel must do about its connections. */
export const channelConnectionCases: readonly ChannelTest[] = [
  ...testsOf(everyKind, finishing),
  ...testsOf(everyKind, cutting, "connections"),
  ...tests(reaching, "connections"),
];
