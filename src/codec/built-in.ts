import type { Registry } from "@bufbuild/protobuf";
import type { Codec } from "./codec.ts";
import { jsonCodec } from "./json.ts";
import { msgpackCodec } from "./msgpack.ts";
import { protobufCodec } from "./protobuf.ts";

/** The formats that a mesh has by itself. @param registry types that may stand in a `google.protobuf.Any` */
export function builtInCodecs(registry: Registry): readonly Codec[] {
  return [protobufCodec, jsonCodec({ registry }), msgpackCodec({ registry })];
}
