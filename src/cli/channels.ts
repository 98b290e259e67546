import type { Registry } from "@bufbuild/protobuf";
import type { Channel } from "../channel/channel.ts";
import { connectChannel } from "../channel/connect.ts";
import { grpcWeb } from "../channel/grpc-web.ts";
import { grpc } from "../channel/grpc.ts";
import { protobuf } from "../channel/protobuf.ts";
import { rest } from "../channel/rest.ts";
import { jsonCodec } from "../codec/json.ts";
import { msgpackCodec } from "../codec/msgpack.ts";
import type { Values } from "./options.ts";
import { didYouMean, UsageError } from "./usage-error.ts";

/** Makes each channel that `mesh call` knows; `types` may stand in a `google.protobuf.Any`. */
const makers: Readonly<Record<string, (types: Registry) => Channel>> = {
  protobuf: () => protobuf(),
  grpc: () => grpc(),
  json: (types) => connectChannel(jsonCodec({ registry: types })),
  msgpack: (types) => connectChannel(msgpackCodec({ registry: types })),
  "grpc-web": () => grpcWeb(),
  rest: (types) => rest({ registry: types }),
};

/** Names of all channels, in order of preference where nothing else is wanted. */
export const channelNames: readonly string[] = Object.keys(makers);

/** All channels. */
export function callChannels(types: Registry): readonly Channel[] {
  return Object.values(makers).map((make) => make(types));
}

/**
 * The channels of `--channel` in order of preference; without it all, and at an
 * `--address` gRPC, which servers that are in no mesh speak as well. Throws a
 * {@link UsageError} for a name that is none.
 */
export function preferredChannels({ channel, address }: Values): readonly string[] {
  if (channel === undefined) return address === undefined ? channelNames : ["grpc"];
  const names = channel.flatMap((list) => list.split(",")).map((name) => name.trim());
  const wrong = names.find((name) => !channelNames.includes(name));
  if (wrong === undefined) return names;
  throw new UsageError(
    `--channel ${wrong}: there is no such channel`,
    didYouMean(wrong, channelNames) ?? `there are ${channelNames.join(", ")}`,
  );
}
