import type { Channel, ChannelInit } from "./channel.ts";
import { http2Channel } from "./http2.ts";

/** gRPC, over HTTP/2: for servers that speak nothing else. */
export function grpc(init: ChannelInit = {}): Channel {
  return http2Channel("grpc", { protocol: "grpc" }, init);
}
