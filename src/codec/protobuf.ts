import { fromBinary, protoInt64, toBinary } from "@bufbuild/protobuf";
import type { Codec } from "./codec.ts";
import { compiler } from "./protobuf/compiler.ts";

/** protobuf-es's own, which has integers of 64 bits as strings when it is told to (BUF_BIGINT_DISABLE). */
const plain: Codec["compile"] = (desc) => ({
  encode: (message) => toBinary(desc, message),
  decode: (bytes) => fromBinary(desc, bytes),
});

/**
 * Protobuf's binary format (protobuf.dev/programming-guides/encoding). It takes
 * and makes the messages of protobuf-es, and the same bytes as `toBinary()`, but
 * is compiled for each message type and several times faster. Bytes may be views
 * into memory that other messages share; they are never written again.
 */
export const protobufCodec: Codec = {
  name: "protobuf",
  type: "proto",
  text: false,
  compile: protoInt64.supported ? compiler() : plain,
};
