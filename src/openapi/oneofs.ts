import type { Schema } from "./model.ts";

/** Fields of which at most one may be set. */
export interface Choice {
  /** Names in JSON. */
  readonly names: readonly string[];
  /** Whether one must be. */
  readonly required: boolean;
}

/** A constraint for choices: "none or exactly one" of each. */
export function choiceSchema(choices: readonly Choice[]): Schema {
  const schemas = choices.filter(({ names }) => names.length > 0).map(oneChoice);
  const [first] = schemas;
  return schemas.length > 1 ? { allOf: schemas } : (first ?? {});
}

function oneChoice({ names, required }: Choice): Schema {
  const set = names.map((name): Schema => ({ required: [name] }));
  const none: Schema = { not: { anyOf: set } };
  return { oneOf: required ? set : [...set, none] };
}
