import type { DescMessage, Message, Registry } from "@bufbuild/protobuf";
import type { Path } from "@bufbuild/protobuf/reflect";
import { configurationError, errorText } from "../error.ts";

/** What is used of `@bufbuild/protovalidate`, which is an optional peer dependency. */
export interface ValidationLibrary {
  createValidator(options: {
    readonly failFast: boolean;
    /** Where predefined rules and the messages inside `Any` are looked up. */
    readonly registry: Registry;
  }): Validator;
}

/** Checks messages against the rules of their contract. */
export interface Validator {
  validate(schema: DescMessage, message: Message): ValidationOutcome;
}

/** The result of a check: `error` when the rules themselves do not work. */
export type ValidationOutcome =
  | { readonly kind: "valid" }
  | { readonly kind: "invalid"; readonly violations: readonly Violation[] }
  | { readonly kind: "error"; readonly error: Error };

/** A rule that a message breaks. */
export interface Violation {
  /** What is wrong, for people. */
  readonly message: string;
  /** Id of the rule, such as `string.email`. */
  readonly ruleId: string;
  /** The way to the field; empty for a rule of the whole message. */
  readonly field: Path;
  /** Whether it is the key of the map entry that is wrong, not its value. */
  readonly forKey: boolean;
}

/** Loads the library that checks rules. */
export type LoadValidation = () => Promise<ValidationLibrary>;

/** Loads `@bufbuild/protovalidate`. */
export const protovalidate: LoadValidation = () => import("@bufbuild/protovalidate");

/** Loads the library; a failure is a configuration error that says what to install. */
export async function loadLibrary(
  load: LoadValidation,
  needs: DescMessage,
): Promise<ValidationLibrary> {
  try {
    return await load();
  } catch (error) {
    throw configurationError(
      `the contract of ${needs.typeName} has validation rules, but @bufbuild/protovalidate, which checks them, ` +
        `cannot be loaded (${errorText(error)}); run "npm install @bufbuild/protovalidate", ` +
        "or pass validate: false to createMesh to ignore the rules",
      { message: needs.typeName },
    );
  }
}
