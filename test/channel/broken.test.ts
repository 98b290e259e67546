import { Code, ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, it } from "vitest";
import { addressOf } from "../../src/channel/channel.ts";
import type { Channel, PeerTransport } from "../../src/channel/channel.ts";
import { protobuf } from "../../src/channel/protobuf.ts";
import { testChannel } from "../../src/testing/channel.ts";
import type { TestChannelOptions } from "../../src/testing/channel.ts";
import { answering, asking, broken, collected, failing, readAhead, reading, refusing, withoutError, writing } from "./broken.ts";
import { noBidi } from "./suite.ts";

/** The message with which a channel fails a case; undefined when it passes. */
async function verdict(name: string, options: TestChannelOptions): Promise<string | undefined> {
  const found = testChannel(options).find((one) => one.name === name);
  if (found === undefined) throw new Error(`the suite has no case "${name}"`);
  return found.run().then(
    () => undefined,
    (error: Error) => error.message,
  );
}

const good = protobuf();

/** The first address that the channel knows that throws when nobody is there. */
let known: string | undefined;

/** What is wrong with a channel, and which case must say what about it. */
const faults: ReadonlyArray<readonly [string, Channel, string, RegExp]> = [
  [
    "drops trailers",
    answering(() => ({ trailer: new Headers() })),
    "brings headers and trailers to the caller: a stream from the server",
    /x-tail-one is missing in the trailers of the answer/,
  ],
  [
    "drops binary headers",
    asking(({ header }) => ({ header: [...new Headers(header)].filter(([name]) => !name.endsWith("-bin")) })),
    "brings headers to the handler: a unary call",
    /x-ask-0-bin is missing in the headers of the request/,
  ],
  [
    "keeps only the first of repeated headers",
    asking(({ header }) => ({
      header: [...new Headers(header)].map(([name, value]): [string, string] => [name, value.split(", ")[0] ?? ""]),
    })),
    "brings headers to the handler: a unary call",
    /x-ask-many has changed in the headers of the request/,
  ],
  [
    "ignores the caller's signal",
    asking(() => ({ signal: undefined })),
    "ends when the caller cancels, on both sides: a unary call",
    /waited 2500 ms for the end of a unary call/,
  ],
  [
    "keeps the deadline to itself",
    asking(() => ({ timeoutMs: undefined })),
    "tells the handler how much time is left: a stream in both directions",
    /a deadline of 30000 ms became one of Infinity ms/,
  ],
  [
    "ignores the deadline",
    asking(() => ({ signal: undefined, timeoutMs: undefined })),
    "ends at the deadline on both sides, whatever the handler does: a stream from the client",
    /waited 2500 ms for the end of a stream from the client/,
  ],
  [
    "gives up before the deadline",
    asking(({ timeoutMs = 0 }) => ({ timeoutMs: timeoutMs / 10 })),
    "ends at the deadline on both sides, whatever the handler does: a unary call",
    /a call with \d+ ms to go ended after/,
  ],
  [
    "loses details of errors",
    failing((error) => new ConnectError(error.rawMessage, error.code, error.metadata)),
    "hands over errors with code, message, details and metadata: a unary call",
    /the error's details have changed/,
  ],
  [
    "loses the metadata of errors",
    failing((error) => Object.assign(new ConnectError(error.rawMessage, error.code), { details: error.details })),
    "hands over errors after messages: a stream in both directions",
    /the error's metadata has changed/,
  ],
  [
    "knows only some codes",
    failing((error) => (error.code === Code.DataLoss ? new ConnectError(error.rawMessage, Code.Unknown) : error)),
    "hands over every code: a unary call",
    /must fail with DataLoss, but failed with: \[unknown\] as told/,
  ],
  [
    "takes an error after messages for the end",
    reading(withoutError),
    "hands over errors after messages: a stream from the server",
    /must fail with FailedPrecondition, but ended well after 2 messages/,
  ],
  [
    "takes requests that break off for all of them",
    writing(withoutError),
    "does not take requests that break off for all of them: a stream from the client",
    /Missing expected rejection|must not see a good end/,
  ],
  [
    "gathers answers",
    reading(collected),
    "brings an answer at once, not with the next: a stream from the server",
    /waited 2500 ms for an answer before the next one is made/,
  ],
  [
    "reads on for a slow reader",
    reading(readAhead),
    "makes the server wait for a slow reader: a stream from the server",
    /the server went on to message \d+, each of 32768 bytes, while one was read/,
  ],
  [
    "gathers requests",
    writing(collected),
    "brings a request at once, not with the next: a stream in both directions",
    /waited 2500 ms for a request before the next one is made/,
  ],
  [
    "knows no limits",
    { name: good.name, connect: (to, options) => good.connect(to, { ...options, readMaxBytes: 0xffffffff }) },
    "refuses answers beyond the limits, on both sides: a unary call",
    /beyond the client's readMaxBytes must fail with ResourceExhausted, but ended well/,
  ],
  [
    "mixes up the answers of calls",
    broken((transport) => {
      let before: Awaited<ReturnType<PeerTransport["unary"]>> | undefined;
      const unary = async (...args: Parameters<PeerTransport["unary"]>) => {
        const own = await transport.unary(...args);
        const other = before ?? own;
        before = own;
        return other;
      };
      return { unary } as Partial<PeerTransport>;
    }),
    "answers 200 calls at once, each with its own answer: a unary call",
    /a call got another one's answer/,
  ],
  [
    "throws when nobody is there",
    {
      name: good.name,
      connect: (to, options) => {
        known ??= addressOf(to, good.name);
        if (addressOf(to, good.name) === known) return good.connect(to, options);
        throw new Error("nobody is there");
      },
    },
    "fails with `unavailable` when nobody is there, without throwing before",
    /connect must neither wait nor throw, but threw: Error: nobody is there/,
  ],
  [
    "ends calls when it is closed",
    {
      name: good.name,
      connect: (to, options) => {
        const cut = new AbortController();
        const transport = good.connect(to, { ...options, cut: cut.signal });
        const dispose = async (): Promise<void> => {
          cut.abort();
          await transport[Symbol.asyncDispose]();
        };
        return { ...transport, [Symbol.asyncDispose]: dispose };
      },
    },
    "lets calls finish when it is closed: a stream from the server",
    /unavailable/,
  ],
  [
    "waits for calls that it should end",
    { name: good.name, connect: (to, options) => good.connect(to, { ...options, cut: new AbortController().signal }) },
    "ends calls when the mesh waits no longer: a unary call",
    /a call went on after `cut` had aborted/,
  ],
];

it.for(faults)("the suite finds a channel that %s", async ([, channel, name, message]) => {
  expect(await verdict(name, { channel: good })).toBeUndefined();
  // Where the verdict is that something does not happen, it takes this long.
  const timeoutMs = message.source.startsWith("waited") || name.startsWith("ends calls") ? 2_500 : undefined;
  expect(await verdict(name, { channel, timeoutMs })).toMatch(message);
});

it("the suite tests channels that speak the wire of another, as the docs show", async () => {
  const http1: Channel = {
    name: "http1",
    connect: (instance, { readMaxBytes, writeMaxBytes }) => ({
      ...createConnectTransport({
        baseUrl: addressOf(instance, "http1"),
        httpVersion: "1.1",
        readMaxBytes,
        writeMaxBytes,
      }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  };
  const options = { channel: http1, offers: ["protobuf"], lacks: noBidi };
  expect(await verdict("carries messages as they are: a stream from the client", options)).toBeUndefined();
  const cut = "ends calls when the mesh waits no longer: a unary call";
  expect(await verdict(cut, { ...options, timeoutMs: 2_500 })).toMatch(
    /a call went on after `cut` had aborted/,
  );
});

it("the suite finds a channel that lacks more than it says, or says it badly", async () => {
  const name = "refuses a stream in both directions, since it cannot";
  const lacks = { bidi: "it cannot" };
  expect(await verdict(name, { channel: good, lacks })).toMatch(/must fail with Unimplemented, but ended well/);
  expect(await verdict(name, { channel: refusing("no"), lacks })).toMatch(/must name the method Converse/);
  const clear = refusing("Converse streams in both directions; use another channel");
  expect(await verdict(name, { channel: clear, lacks })).toBeUndefined();
  expect(await verdict("lets the server speak first: a stream in both directions", { channel: clear })).toMatch(
    /Converse streams in both directions/,
  );
});

it("the suite wants to know why a channel lacks something", () => {
  expect(() => testChannel({ channel: good, lacks: { bidi: " " } })).toThrow(/lacks.bidi must be .* the reason/);
  const unknown = { wings: "it is no bird" } as TestChannelOptions["lacks"];
  expect(() => testChannel({ channel: good, lacks: unknown })).toThrow(/lacks.wings must be one of serverStreams/);
});
