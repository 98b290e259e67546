import { protobufCodec } from "../codec/protobuf.ts";
import type { Channel } from "./channel.ts";
import { connectChannel } from "./connect.ts";
import type { ConnectChannelInit } from "./connect.ts";

/** The Connect protocol with protobuf messages: the default between processes. */
export function protobuf(init: ConnectChannelInit = {}): Channel {
  return connectChannel(protobufCodec, init);
}
