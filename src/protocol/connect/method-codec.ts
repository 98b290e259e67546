import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { limitSerialization } from "@connectrpc/connect/protocol";
import type { Serialization } from "@connectrpc/connect/protocol";
import type { Codec } from "../../codec/codec.ts";
import { errorText } from "../../error.ts";
import { local } from "../progress.ts";

/** Limits of a message, in bytes. */
export interface MessageLimits {
  readonly readMaxBytes: number;
  readonly writeMaxBytes: number;
}

/** A codec as one method uses it. */
export interface MethodCodec<I extends DescMessage, O extends DescMessage> {
  readonly codec: Codec;
  readonly input: Serialization<MessageShape<I>>;
  readonly output: Serialization<MessageShape<O>>;
}

/**
 * Compiles a codec for a method, within limits, with errors that carry a code.
 *
 * @param unreadable the code for bytes that are no message. Default `invalid_argument`.
 */
export function methodCodec<I extends DescMessage, O extends DescMessage>(
  codec: Codec,
  method: DescMethod & { readonly input: I; readonly output: O },
  limits: MessageLimits,
  unreadable: Code = Code.InvalidArgument,
): MethodCodec<I, O> {
  return {
    codec,
    input: serialization(codec, method.input, limits, unreadable),
    output: serialization(codec, method.output, limits, unreadable),
  };
}

function serialization<D extends DescMessage>(
  codec: Codec,
  desc: D,
  limits: MessageLimits,
  unreadable: Code,
): Serialization<MessageShape<D>> {
  const compiled = codec.compile(desc);
  return limitSerialization(
    {
      parse(bytes) {
        try {
          return compiled.decode(bytes);
        } catch (error) {
          throw new ConnectError(
            `cannot read ${desc.typeName} as ${codec.name}: ${errorText(error)}`,
            unreadable,
            undefined,
            undefined,
            error,
          );
        }
      },
      serialize(message) {
        try {
          return compiled.encode(message) as Uint8Array<ArrayBuffer>;
        } catch (error) {
          const text = `cannot write ${desc.typeName} as ${codec.name}: ${errorText(error)}`;
          throw local(new ConnectError(text, Code.Internal, undefined, undefined, error));
        }
      },
    },
    limits,
  );
}
