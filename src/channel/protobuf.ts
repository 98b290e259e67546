import type { Channel, ChannelInit } from "./channel.ts";
import { http2Channel } from "./http2.ts";

/** The Connect protocol with protobuf messages, over HTTP/2: the default between processes. */
export function protobuf(init: ChannelInit = {}): Channel {
  return http2Channel("protobuf", { wire: "connect", binary: true }, init);
}
