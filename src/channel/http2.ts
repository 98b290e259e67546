import type { Wire } from "../protocol/http2-transport.ts";
import { http2Transport } from "../protocol/http2-transport.ts";
import { addressOf } from "./channel.ts";
import type { Channel, ChannelInit } from "./channel.ts";

/** A channel over HTTP/2: one connection to each instance, made with the first call. */
export function http2Channel(name: string, wire: Wire, init: ChannelInit): Channel {
  return {
    name,
    connect: (instance, { hosted: _, ...options }) =>
      http2Transport(addressOf(instance, name), {
        ...options,
        wire,
        interceptors: init.interceptors ?? [],
        compression: init.compression,
      }),
  };
}
