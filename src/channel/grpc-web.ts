import type { Channel, HttpVersionInit } from "./channel.ts";
import { jsonOptions } from "./grpc.ts";
import type { GrpcChannelInit } from "./grpc.ts";
import { httpChannel } from "./http.ts";

/** Options of {@link grpcWeb}. */
export interface GrpcWebChannelInit extends GrpcChannelInit, HttpVersionInit {}

/** gRPC-Web, over HTTP/2 or 1.1: for servers behind proxies that drop trailers. */
export function grpcWeb(init: GrpcWebChannelInit = {}): Channel {
  return httpChannel("grpc-web", { protocol: "grpc-web", json: jsonOptions(init.json) }, init);
}
