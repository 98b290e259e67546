import type { DescMessage } from "@bufbuild/protobuf";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** A message as an object of which nothing is known but that it has properties. */
export type Properties = Record<string, unknown>;

/** How values of one kind look in MessagePack: compiled once, then only called. */
export interface Form {
  /** Writes a value. Throws a `Failure` when it is none of this kind. */
  readonly write: (writer: Writer, value: unknown) => void;
  /** Reads a value. Undefined means that there is one, but that it is to be ignored. */
  readonly read: (reader: Reader) => unknown;
  /** Whether nil is a value of this kind. Otherwise nil means that there is no value. */
  readonly takesNil?: boolean;
}

/** The form of a message type. */
export interface MessageForm extends Form {
  /**
   * Writes the fields alone, without the header of their map, and returns how
   * many. Absent when the form is not a map of fields, as that of a `Timestamp`.
   */
  readonly writeFields?: (writer: Writer, message: Properties) => number;
}

/** Finds the form of a message type, or compiles it when it is asked for the first time. */
export type FormOf = (desc: DescMessage) => MessageForm;
