import type { Properties } from "./form.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** One field of a message, compiled. */
export interface Field extends FieldAccess {
  /** Its name in the contract. */
  readonly name: string;
  /** Its name on the wire. */
  readonly jsonName: string;
  /** Its name on the wire, as the bytes of a MessagePack string. */
  readonly key: Uint8Array;
}

/** How a field gets from a message to the wire and back. */
export interface FieldAccess {
  /** Writes key and value if the field is set. Returns how many fields that were: 0 or 1. */
  readonly write: (writer: Writer, message: Properties) => number;
  /** Reads the value, after the key, into a new message. */
  readonly read: (reader: Reader, message: Properties) => void;
}
