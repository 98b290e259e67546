import type { DescMessage, MessageShape, Registry } from "@bufbuild/protobuf";

/** Turns one kind of message into bytes and back. Compiled once, used for every call. */
export interface MessageCodec<T> {
  /** The message's bytes. */
  encode(message: T): Uint8Array;
  /** The message of the bytes. Throws an error that says what is wrong with them. */
  decode(bytes: Uint8Array): T;
}

/**
 * A format of messages on the wire. Passed to channels and components as a
 * value; nothing is registered globally.
 */
export interface Codec {
  /** Name of the channel that uses it, such as `json`. */
  readonly name: string;
  /**
   * Name in content types: `application/<type>` for unary calls and
   * `application/connect+<type>` for streams, such as `json` or `proto`.
   */
  readonly type: string;
  /** Whether the bytes are UTF-8 text, which a Connect GET can carry without base64. */
  readonly text: boolean;
  /**
   * Types that may stand in a `google.protobuf.Any`, where the format must know
   * them. JSON over gRPC uses those of the codec whose type is `json`.
   */
  readonly registry?: Registry | undefined;
  /** Makes the codec of a message type. Callers keep what they get: one a descriptor. */
  compile<D extends DescMessage>(desc: D): MessageCodec<MessageShape<D>>;
}
