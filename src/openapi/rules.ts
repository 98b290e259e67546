import { createRegistry, getOption, hasOption, toJson } from "@bufbuild/protobuf";
import type {
  DescExtension,
  DescField,
  DescFile,
  DescMessage,
  DescOneof,
  Message,
  Registry,
} from "@bufbuild/protobuf";
import type {
  field as fieldExtension,
  message as messageExtension,
  oneof as oneofExtension,
  predefined as predefinedExtension,
} from "../../gen/buf/validate/validate_pb.ts";
import type { Json } from "./model.ts";

/** A rule in CEL. */
export interface CelRule {
  readonly id?: string;
  readonly message?: string;
  readonly expression?: string;
}

/** The rules for one type of value, such as `buf.validate.StringRules`, in ProtoJSON. */
export type TypeRules = Readonly<Record<string, Json>>;

/** The rules of a field: `buf.validate.FieldRules` in ProtoJSON, sorted by what they are for. */
export interface FieldRules {
  readonly required: boolean;
  /** Whether the zero value is allowed whatever the other rules say. */
  readonly zeroAllowed: boolean;
  readonly cel: readonly CelRule[];
  /** The rules of the field's type; empty when it has none. */
  readonly type: TypeRules;
}

/** The rules of a message. */
export interface MessageRules {
  readonly cel: readonly CelRule[];
  readonly oneof: ReadonlyArray<{ readonly fields: readonly string[]; readonly required?: boolean }>;
}

/** The JSON of a `FieldRules`, as far as all fields share it. */
interface FieldRulesJson {
  readonly cel?: readonly CelRule[];
  readonly celExpression?: readonly string[];
  readonly required?: boolean;
  readonly ignore?: string;
  readonly [type: string]: Json | undefined | readonly CelRule[];
}

const none: MessageRules = { cel: [], oneof: [] };

/**
 * Reads protovalidate rules. The descriptors of the rules are those that a
 * contract imports itself; they are large, and a contract without rules has none.
 */
export class Rules {
  readonly #registry: Registry;
  readonly #field: typeof fieldExtension | undefined;
  readonly #message: typeof messageExtension | undefined;
  readonly #oneof: typeof oneofExtension | undefined;
  readonly #predefined: typeof predefinedExtension | undefined;

  /** @param files the contracts with all that they import */
  constructor(files: readonly DescFile[]) {
    this.#registry = createRegistry(...files);
    const find = (name: string): DescExtension | undefined =>
      this.#registry.getExtension(`buf.validate.${name}`);
    this.#field = find("field") as typeof fieldExtension | undefined;
    this.#message = find("message") as typeof messageExtension | undefined;
    this.#oneof = find("oneof") as typeof oneofExtension | undefined;
    this.#predefined = find("predefined") as typeof predefinedExtension | undefined;
  }

  /** The rules of a field; undefined without any, or when they are to be ignored. */
  field(of: DescField): FieldRules | undefined {
    if (this.#field === undefined || !hasOption(of, this.#field)) return undefined;
    return this.nested(this.#json(getOption(of, this.#field)));
  }

  /** The rules of list items, map keys or map values, from the JSON of their `FieldRules`. */
  nested(json: Json | undefined): FieldRules | undefined {
    if (json === undefined) return undefined;
    const { cel, celExpression, required, ignore, ...types } = json as FieldRulesJson;
    if (ignore === "IGNORE_ALWAYS") return undefined;
    const type = (Object.values(types)[0] ?? {}) as TypeRules;
    return {
      required: required ?? false,
      zeroAllowed: ignore === "IGNORE_IF_ZERO_VALUE",
      cel: [...celRules(cel, celExpression), ...this.#predefinedRules(type)],
      type,
    };
  }

  /** The rules of a message as a whole. */
  message(of: DescMessage): MessageRules {
    if (this.#message === undefined || !hasOption(of, this.#message)) return none;
    const json = this.#json(getOption(of, this.#message));
    const { cel, celExpression, oneof = [] } = json as Partial<MessageRules> & FieldRulesJson;
    return { cel: celRules(cel, celExpression), oneof };
  }

  /** Whether one member of a oneof must be set. */
  required(of: DescOneof): boolean {
    if (this.#oneof === undefined || !hasOption(of, this.#oneof)) return false;
    return getOption(of, this.#oneof).required;
  }

  #json(rules: Message): Json | undefined {
    const desc = this.#registry.getMessage(rules.$typeName);
    return desc === undefined ? undefined : toJson(desc, rules, { registry: this.#registry });
  }

  /** Rules that a contract defines for itself, as extensions of the rules of a type. */
  #predefinedRules(type: TypeRules): readonly CelRule[] {
    return Object.entries(type).flatMap(([key, value]) => {
      const name = /^\[(.+)\]$/.exec(key)?.[1];
      const extension = name === undefined ? undefined : this.#registry.getExtension(name);
      if (extension === undefined || this.#predefined === undefined || value === false) return [];
      return getOption(extension, this.#predefined).cel.map(({ id, message, expression }) => ({
        id,
        message,
        expression,
      }));
    });
  }
}

function celRules(
  cel: readonly CelRule[] | undefined,
  expressions: readonly string[] | undefined,
): readonly CelRule[] {
  return [...(cel ?? []), ...(expressions ?? []).map((expression) => ({ expression }))];
}
