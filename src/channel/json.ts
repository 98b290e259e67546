import type { Channel, ChannelInit } from "./channel.ts";
import { http2Channel } from "./http2.ts";

/** The Connect protocol with JSON messages, over HTTP/2: readable on the wire. */
export function json(init: ChannelInit = {}): Channel {
  return http2Channel("json", { wire: "connect", binary: false }, init);
}
