import type { Channel, ChannelInit } from "./channel.ts";
import { http2Channel } from "./http2.ts";

/** gRPC-Web, over HTTP/2: for servers behind proxies that drop trailers. */
export function grpcWeb(init: ChannelInit = {}): Channel {
  return http2Channel("grpc-web", { protocol: "grpc-web" }, init);
}
