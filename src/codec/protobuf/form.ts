import type { DescMessage } from "@bufbuild/protobuf";
import type { MessageReader } from "./message-reader.ts";
import type { MessageWriter } from "./message-writer.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** A message as an object of which nothing is known but that it has properties. */
export type Properties = Record<string, unknown>;

/** Kinds of fields beside those of scalars, which are the numbers of `ScalarType`. */
export const kinds = {
  /** A field that only a function of its own can read or write. */
  special: 0,
  /** A message with its length before it, as it is. */
  message: 20,
  /** A list of such messages. */
  messages: 21,
  /** A value of any kind that is set when it is there. For writers only. */
  optional: 22,
} as const;

/** Writes a field of a message with its tag, if it is set. */
export type WriteField = (writer: Writer, message: Properties) => void;

/** Writes a value of a field with its tag. */
export type WriteValue = (writer: Writer, value: unknown) => void;

/** A field, as the writer of its message has it. */
export interface FieldWriter {
  /** Its name in JavaScript. */
  readonly name: string;
  /** Its kind. A scalar is one that is set when it is not zero. */
  readonly kind: number;
  /** Its number and wire type. */
  readonly tag: number;
  /** What writes its messages, where the kind says that there are some. */
  readonly child: MessageWriter | undefined;
  /** Writes the field, whatever its kind. */
  readonly write: WriteField;
}

/** Finds what writes a message type, or compiles it when it is asked for the first time. */
export type WriterOf = (desc: DescMessage) => MessageWriter;

/** Reads a field, whose tag had a wire type, into a message. */
export type ReadField = (reader: Reader, message: Properties, wireType: number) => void;

/** A field, as the reader of its message has it. */
export interface FieldReader {
  /** Its name in JavaScript. */
  readonly name: string;
  /** Its kind. A scalar is one that the message has under the name, as its type says. */
  readonly kind: number;
  /** Whether strings must be UTF-8. */
  readonly strict: boolean;
  /** What reads its messages, where the kind says that there are some. */
  readonly child: MessageReader | undefined;
  /** Reads the field, whatever its kind. */
  readonly read: ReadField;
}

/** Finds what reads a message type, or compiles it when it is asked for the first time. */
export type ReaderOf = (desc: DescMessage) => MessageReader;
