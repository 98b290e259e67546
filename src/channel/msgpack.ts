import { msgpackCodec } from "../codec/msgpack.ts";
import type { Channel } from "./channel.ts";
import { connectChannel } from "./connect.ts";
import type { ConnectChannelInit } from "./connect.ts";

/** The Connect protocol with MessagePack: smaller than JSON, for callers without protobuf. */
export function msgpack(init: ConnectChannelInit = {}): Channel {
  return connectChannel(msgpackCodec(), init);
}
