import type { JsonCodecOptions } from "../codec/json.ts";
import type { Channel, ChannelInit } from "./channel.ts";
import { httpChannel } from "./http.ts";

/** Options of the channels of the gRPC protocols. */
export interface GrpcChannelInit extends ChannelInit {
  /**
   * Sends and asks for JSON messages (`application/grpc+json`) instead of
   * protobuf. A mesh takes them; most other servers do not. Default false.
   */
  readonly json?: boolean | JsonCodecOptions | undefined;
}

/** gRPC, over HTTP/2: for servers that speak nothing else. */
export function grpc(init: GrpcChannelInit = {}): Channel {
  return httpChannel("grpc", { protocol: "grpc", json: jsonOptions(init.json) }, init);
}

/** The JSON options of a gRPC wire; undefined for protobuf. */
export function jsonOptions(json: GrpcChannelInit["json"]): JsonCodecOptions | undefined {
  if (json === false) return undefined;
  return json === true ? {} : json;
}
