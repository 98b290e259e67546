import { localTransport } from "../protocol/local.ts";
import { interceptorsOf } from "./channel.ts";
import type { Channel, ChannelInit } from "./channel.ts";

/**
 * Calls into this process, without a wire: wins for services that are hosted
 * here. Messages are handed over as they are, so a handler should not change
 * a request that its caller may still hold.
 */
export function local(init: ChannelInit = {}): Channel {
  const interceptors = interceptorsOf("local", init);
  return {
    name: "local",
    connect: (_instance, options) => ({
      ...localTransport(options.hosted, interceptors),
      endsAtDeadline: true,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  };
}
