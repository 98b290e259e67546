import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import type { Registry } from "@bufbuild/protobuf";
import type { Codec } from "./codec.ts";

/** Options of {@link jsonCodec}. */
export interface JsonCodecOptions {
  /** Types that may stand in a `google.protobuf.Any`. Default none; a mesh gives its own default codec those of its contracts. */
  readonly registry?: Registry | undefined;
}

/** ProtoJSON (protobuf.dev/programming-guides/json). Unknown fields are ignored when read. */
export function jsonCodec(options: JsonCodecOptions = {}): Codec {
  const types = options.registry === undefined ? {} : { registry: options.registry };
  // Not lenient: bytes that are not UTF-8 are an error, not question marks.
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return {
    name: "json",
    type: "json",
    text: true,
    registry: options.registry,
    compile: (desc) => ({
      encode: (message) => Buffer.from(toJsonString(desc, message, types)),
      decode: (bytes) =>
        fromJsonString(desc, decoder.decode(bytes), { ...types, ignoreUnknownFields: true }),
    }),
  };
}
