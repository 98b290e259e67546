import type { Channel } from "../channel/channel.ts";
import type { MeshOptions } from "../mesh-options.ts";
import { ChannelBench } from "./channel-bench.ts";
import { channelCancelCases } from "./channel-cancel-cases.ts";
import type { ChannelAbility, ChannelTest } from "./channel-case.ts";
import { channelConnectionCases } from "./channel-connection-cases.ts";
import { channelDeadlineCases } from "./channel-deadline-cases.ts";
import { channelErrorCases } from "./channel-error-cases.ts";
import { lackTests } from "./channel-lack-cases.ts";
import { channelLoadCases } from "./channel-load-cases.ts";
import { channelMessageCases } from "./channel-message-cases.ts";
import { channelMetadataCases } from "./channel-metadata-cases.ts";
import { channelStreamCases } from "./channel-stream-cases.ts";

/** One case of a conformance suite, for any test runner: `it(one.name, one.run)`. */
export interface ChannelCase {
  /** What must be so, as a sentence. */
  readonly name: string;
  /** Resolves when it is so, rejects when it is not. */
  readonly run: () => Promise<void>;
}

/** Options of {@link testChannel}. */
export interface TestChannelOptions {
  /** The channel to test. */
  readonly channel: Channel;
  /**
   * Names of the channels that the server offers besides the tested one: those
   * whose wire a channel of your own speaks, such as `protobuf`. Default none.
   */
  readonly offers?: readonly string[] | undefined;
  /**
   * What the channel cannot do, with the reason: `{ bidi: "HTTP/1.1 answers only
   * what it has read" }`. Instead of what needs the ability, the suite tests that
   * the channel says so: a stream that it cannot carry must be `unimplemented`,
   * with the method's name in the message. Default: it lacks nothing.
   */
  readonly lacks?: Readonly<Partial<Record<ChannelAbility, string>>> | undefined;
  /**
   * Options of the meshes on both sides, such as `codecs`, `listen` and `tls`.
   * Registry, components, channels, deadline and limits are the suite's own.
   */
  readonly mesh?: MeshOptions | undefined;
  /** Longest time that a step of a case may take, in milliseconds. Default 10000. */
  readonly timeoutMs?: number | undefined;
}

const all: readonly ChannelTest[] = [
  ...channelMessageCases,
  ...channelStreamCases,
  ...channelErrorCases,
  ...channelMetadataCases,
  ...channelDeadlineCases,
  ...channelCancelCases,
  ...channelLoadCases,
  ...channelConnectionCases,
];

/**
 * What every channel must do, as a list of cases:
 *
 * ```ts
 * for (const one of testChannel({ channel })) it(one.name, one.run);
 * ```
 *
 * Each case starts a mesh that serves a contract of the suite on a free port of
 * the loopback, and calls it over the channel from a second one. All kinds of
 * methods must have the same messages, errors, metadata, deadlines and
 * cancellation. Every wait is bounded. Throws a `TypeError` when `lacks` names
 * what is no ability, or gives no reason.
 */
export function testChannel(options: TestChannelOptions): readonly ChannelCase[] {
  const { channel, offers = [], lacks = {}, mesh = {}, timeoutMs = 10_000 } = options;
  const able = all.filter(({ needs }) => needs.every((ability) => lacks[ability] === undefined));
  return [...able, ...lackTests(lacks)].map(({ name, test }) => ({
    name,
    run: () => runCase(new ChannelBench({ channel, offers, mesh, timeoutMs }), test),
  }));
}

async function runCase(bench: ChannelBench, test: ChannelTest["test"]): Promise<void> {
  try {
    await test(bench);
  } catch (error) {
    await bench[Symbol.asyncDispose]().catch(() => {
      // What went wrong first tells more.
    });
    throw error;
  }
  await bench[Symbol.asyncDispose]();
}
