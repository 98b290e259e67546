import type { Wire } from "../protocol/http2-transport.ts";
import { http2Transport } from "../protocol/http2-transport.ts";
import { addressOf } from "./channel.ts";
import type { Channel, ChannelInit } from "./channel.ts";

/** A channel over HTTP/2: one connection to each instance, made with the first call. */
export function http2Channel(
  name: string,
  format: { readonly wire: Wire; readonly binary: boolean },
  init: ChannelInit,
): Channel {
  return {
    name,
    connect: (instance, options) =>
      http2Transport(addressOf(instance, name), {
        ...format,
        interceptors: init.interceptors ?? [],
        readMaxBytes: options.readMaxBytes,
        writeMaxBytes: options.writeMaxBytes,
        connectTimeoutMs: options.connectTimeoutMs,
        tls: options.tls,
        onLost: options.onLost,
        cut: options.cut,
      }),
  };
}
