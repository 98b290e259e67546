// protobufjs, which compiles a codec of each message type as source code.
import { join } from "node:path";
import type { DescMessage } from "@bufbuild/protobuf";
import protobuf from "protobufjs";

const contracts = join(import.meta.dirname, "../proto");

/** Encodes and decodes as protobufjs does: messages are its own. */
export interface Protobufjs {
  readonly encode: (message: protobuf.Message) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => protobuf.Message;
}

/** protobufjs for the types of the bench contract. */
export async function protobufjs(): Promise<(desc: DescMessage) => Protobufjs> {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => join(contracts, target);
  await root.load("bench/v1/bench.proto");
  return (desc) => {
    const type = root.lookupType(desc.typeName);
    return { encode: (message) => type.encode(message).finish(), decode: (bytes) => type.decode(bytes) };
  };
}
