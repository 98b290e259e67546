import type { DescEnum, DescMessage } from "@bufbuild/protobuf";
import type { References, SchemaContext } from "./context.ts";
import { enumSchema, messageSchema } from "./messages.ts";
import type { Schema } from "./model.ts";
import { wrapped, wellKnownSchema } from "./well-known.ts";
import { scalarSchema } from "./scalars.ts";

/** The schemas of a document's components: those that something refers to. */
export class Schemas implements References {
  readonly context: SchemaContext;
  readonly #makers = new Map<string, () => Schema>();

  constructor(context: Omit<SchemaContext, "references">) {
    this.context = { ...context, references: this };
  }

  message(desc: DescMessage): Schema {
    const scalar = wrapped(desc);
    if (scalar !== undefined) return scalarSchema(scalar);
    return (
      wellKnownSchema(desc) ?? this.add(desc.typeName, () => messageSchema(desc, this.context))
    );
  }

  enum(desc: DescEnum): Schema {
    if (desc.typeName === "google.protobuf.NullValue") return enumSchema(desc, this.context);
    return this.add(desc.typeName, () => enumSchema(desc, this.context));
  }

  /** A reference to a schema of the given name, which is made when it is new. */
  add(name: string, make: () => Schema): Schema {
    if (!this.#makers.has(name)) this.#makers.set(name, make);
    return { $ref: `#/components/schemas/${name}` };
  }

  /** All schemas, by name. */
  all(): Readonly<Record<string, Schema>> {
    const made: Array<readonly [string, Schema]> = [];
    // Making one may ask for others: a Map also visits what is added meanwhile.
    for (const [name, make] of this.#makers) made.push([name, make()]);
    return Object.fromEntries(made.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
