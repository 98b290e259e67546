import { http1Transport } from "../protocol/http1-transport.ts";
import { http2Transport } from "../protocol/http2-transport.ts";
import type { Wire } from "../protocol/wire.ts";
import { addressOf, interceptorsOf } from "./channel.ts";
import type { Channel, ChannelInit, HttpVersionInit } from "./channel.ts";

/**
 * A channel over HTTP/2, with one connection to each instance, or HTTP/1.1,
 * with one for each running call. Connections are made with the first call.
 */
export function httpChannel(
  name: string,
  wire: Wire,
  init: ChannelInit & HttpVersionInit,
): Channel {
  const interceptors = interceptorsOf(name, init);
  const transport = init.httpVersion === "1.1" ? http1Transport : http2Transport;
  return {
    name,
    connect: (instance, options) =>
      transport(addressOf(instance, name), {
        ...options,
        wire,
        interceptors,
        compression: init.compression,
        compressMinBytes: init.compressMinBytes,
      }),
  };
}
