import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Codec } from "./codec.ts";

/** Protobuf's binary format. */
export const protobufCodec: Codec = {
  name: "protobuf",
  type: "proto",
  text: false,
  compile: (desc) => ({
    encode: (message) => toBinary(desc, message),
    decode: (bytes) => fromBinary(desc, bytes),
  }),
};
