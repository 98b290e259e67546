import type { Io } from "./io.ts";
import type { OptionName, Values } from "./options.ts";

/** What a verb is called with. */
export interface Invocation {
  /** What follows the verb. */
  readonly operands: readonly string[];
  readonly values: Values;
  readonly io: Io;
}

/** Does what a verb is for. Resolves to the exit code; what it throws is told to the user. */
export type Action = (invocation: Invocation) => Promise<number>;

/** A verb of the command line. */
export interface Verb {
  readonly name: string;
  /** In a few words, for the list of verbs. */
  readonly summary: string;
  /** What follows the name in the usage line. */
  readonly usage: string;
  /** What the help says below the usage line. */
  readonly about: string;
  readonly options: readonly OptionName[];
  /** How many operands there must be at least, and at most. */
  readonly operands: readonly [number, number];
  /** Loads the code: other verbs and the help do not wait for it. */
  load(): Promise<Action>;
}
