import type { DescMessage, MessageShape, Registry } from "@bufbuild/protobuf";
import type { Codec, MessageCodec } from "./codec.ts";
import { compiler } from "./msgpack/compile.ts";
import { Failure } from "./msgpack/failure.ts";
import { Reader } from "./msgpack/reader.ts";
import { Writer } from "./msgpack/writer.ts";

/** Options of {@link msgpackCodec}. */
export interface MsgpackCodecOptions {
  /** Types that may stand in a `google.protobuf.Any`. Default none. */
  readonly registry?: Registry | undefined;
}

/**
 * MessagePack (msgpack.org): maps by JSON names, as readable as JSON to those
 * who have no contract, but smaller and faster. docs/msgpack.md describes the
 * mapping. Unknown fields are ignored when read.
 *
 * Encoded messages may share memory with each other, and bytes fields of a
 * decoded message share it with the bytes that it was decoded from.
 */
export function msgpackCodec(options: MsgpackCodecOptions = {}): Codec {
  const formOf = compiler(options.registry);
  // Undefined while in use: a message with getters could come back in the middle.
  let idleWriter: Writer | undefined;
  let idleReader: Reader | undefined;
  return {
    name: "msgpack",
    type: "msgpack",
    text: false,
    compile: <D extends DescMessage>(desc: D): MessageCodec<MessageShape<D>> => {
      const { write, read } = formOf(desc);
      return {
        encode: (message) => {
          const writer = idleWriter ?? new Writer();
          idleWriter = undefined;
          try {
            writer.begin();
            write(writer, message);
            return writer.finish();
          } catch (error) {
            throw readable(error);
          } finally {
            idleWriter = writer;
          }
        },
        decode: (bytes) => {
          const reader = idleReader ?? new Reader();
          idleReader = undefined;
          try {
            reader.begin(bytes);
            const message = read(reader);
            reader.finish();
            return message as MessageShape<D>;
          } catch (error) {
            throw readable(error);
          } finally {
            reader.release();
            idleReader = reader;
          }
        },
      };
    },
  };
}

/** The error with the path to the field in its message. */
function readable(error: unknown): unknown {
  return error instanceof Failure ? new Error(error.describe(), { cause: error }) : error;
}
