import type { DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { MessageReader } from "./message-reader.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** A message as an object of which nothing is known but that it has properties. */
export type Properties = Record<string, unknown>;

/** Writes a message without its length. */
export type WriteMessage = (writer: Writer, message: Properties) => void;

/** Writes a field with its tag, if it is set. */
export type WriteField = WriteMessage;

/** Writes a value of a field with its tag. */
export type WriteValue = (writer: Writer, value: unknown) => void;

/** Finds what writes a message type, or compiles it when it is asked for the first time. */
export type WriterOf = (desc: DescMessage) => WriteMessage;

/** Reads a field, whose tag had a wire type, into a message. */
export type ReadField = (reader: Reader, message: Properties, wireType: number) => void;

/** A field, as the reader of its message has it. */
export interface FieldReader {
  /** Its name in JavaScript. */
  readonly name: string;
  /** Its type, if it is a scalar that the message has under this name. */
  readonly scalar: ScalarType | undefined;
  /** Whether strings must be UTF-8. */
  readonly strict: boolean;
  /** Reads the field, whatever it is. */
  readonly read: ReadField;
}

/** Finds what reads a message type, or compiles it when it is asked for the first time. */
export type ReaderOf = (desc: DescMessage) => MessageReader;
