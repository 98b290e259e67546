import type { Json, Schema } from "./model.ts";

/** What a rule says about a value. */
export interface Constraint {
  /** Keywords that hold together with those of the value's type. */
  readonly schemas: readonly Schema[];
  /** What JSON Schema cannot say, in sentences. */
  readonly notes: readonly string[];
}

/** Nothing. */
export const unconstrained: Constraint = { schemas: [], notes: [] };

/** Several constraints together. */
export function together(...constraints: readonly Constraint[]): Constraint {
  return {
    schemas: constraints.flatMap(({ schemas }) => schemas),
    notes: constraints.flatMap(({ notes }) => notes),
  };
}

/** A constraint that JSON Schema can say. */
export function keywords(schema: Schema): Constraint {
  return { schemas: [schema], notes: [] };
}

/** A constraint that only words can say. */
export function note(text: string): Constraint {
  return { schemas: [], notes: [text] };
}

/** A value from a rule as words show it. */
export function shown(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * A schema for what matches all of them. Keywords that are there already go
 * into an `allOf`, so that nothing is lost.
 */
export function both(base: Schema, extra: readonly Schema[]): Schema {
  return extra.reduce((sum: Schema, schema): Schema => {
    const clash = Object.keys(schema).some((keyword) => keyword in sum);
    if (!clash) return { ...sum, ...schema };
    return { ...sum, allOf: [...(sum.allOf ?? []), schema] };
  }, base);
}
