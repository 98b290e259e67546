import { create, createRegistry } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  AnySchema,
  DurationSchema,
  EmptySchema,
  Int64ValueSchema,
  StructSchema,
} from "@bufbuild/protobuf/wkt";
import { type AllKinds, AllKindsSchema, HelloSchema } from "../../gen/bench/v1/bench_pb.ts";
import type { Codec, MessageCodec } from "../../src/codec/codec.ts";
import { msgpackCodec } from "../../src/codec/msgpack.ts";

/** The codec with types for `Any`s. */
export const codec: Codec = msgpackCodec({
  registry: createRegistry(
    AnySchema,
    AllKindsSchema,
    HelloSchema,
    DurationSchema,
    StructSchema,
    EmptySchema,
    Int64ValueSchema,
  ),
});

/** The codec of the message with fields of all kinds. */
export const all: MessageCodec<AllKinds> = codec.compile(AllKindsSchema);

export type KindsInit = MessageInitShape<typeof AllKindsSchema>;

/** A message with fields of all kinds. */
export function kinds(init: KindsInit): AllKinds {
  return create(AllKindsSchema, init);
}
