import { jsonCodec } from "../codec/json.ts";
import type { Channel } from "./channel.ts";
import { connectChannel } from "./connect.ts";
import type { ConnectChannelInit } from "./connect.ts";

/** The Connect protocol with JSON messages: readable on the wire. */
export function json(init: ConnectChannelInit = {}): Channel {
  return connectChannel(jsonCodec(), init);
}
