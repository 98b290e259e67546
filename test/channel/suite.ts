import { describe, it } from "vitest";
import type { Channel, PeerTransport } from "../../src/channel/channel.ts";
import { testChannel } from "../../src/testing/channel.ts";
import type { TestChannelOptions } from "../../src/testing/channel.ts";

/** Why HTTP/1.1 has no streams in both directions. */
export const noBidi: { readonly bidi: string } = { bidi: "HTTP/1.1 answers only what it has read" };

/** Runs the suite for a channel. */
export function conforms(what: string, options: TestChannelOptions): void {
  describe(`the channel ${what}`, () => {
    for (const one of testChannel(options)) it(one.name, one.run);
  });
}

/** A channel whose transports have what every `Transport` has, and nothing that is a shortcut. */
export function plain(channel: Channel): Channel {
  return { name: channel.name, connect: (instance, options) => plainTransport(channel.connect(instance, options)) };
}

function plainTransport(of: PeerTransport): PeerTransport {
  return {
    unary: of.unary.bind(of),
    stream: of.stream.bind(of),
    async [Symbol.asyncDispose]() {
      await of[Symbol.asyncDispose]();
    },
  };
}
