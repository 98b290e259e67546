import type { Codec } from "../codec/codec.ts";
import type { Channel, ChannelInit, HttpVersionInit } from "./channel.ts";
import { httpChannel } from "./http.ts";

/** Options of the channels of the Connect protocol. */
export interface ConnectChannelInit extends ChannelInit, HttpVersionInit {
  /**
   * Whether methods without side effects are called by GET, so that HTTP caches
   * can answer them. Default false.
   */
  readonly httpGet?: boolean | undefined;
}

/**
 * The Connect protocol over any codec, over HTTP/2 or 1.1. The channel is named
 * after the codec: `connectChannel(myCodec)` goes with a component that offers
 * `myCodec.name` and a mesh whose `codecs` have it.
 */
export function connectChannel(codec: Codec, init: ConnectChannelInit = {}): Channel {
  const { httpGet = false } = init;
  return httpChannel(codec.name, { protocol: "connect", codec, httpGet }, init);
}
