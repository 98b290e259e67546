import type { Registry } from "@bufbuild/protobuf";
import { builtInCodecs } from "../codec/built-in.ts";
import type { Channel } from "./channel.ts";
import { connectChannel } from "./connect.ts";
import { grpcWeb } from "./grpc-web.ts";
import { grpc } from "./grpc.ts";
import { local } from "./local.ts";
import { rest } from "./rest.ts";

/** The channels that a mesh has by itself. @param registry types that may stand in a `google.protobuf.Any` */
export function builtInChannels(registry: Registry): readonly Channel[] {
  const connect = builtInCodecs(registry).map((codec) => connectChannel(codec));
  return [local(), ...connect, grpc(), grpcWeb(), rest({ registry })];
}
