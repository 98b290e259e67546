/** What an option may be. */
export interface Kind {
  /** The end of "it must be …". */
  readonly must: string;
  /** Whether a value is of the kind. */
  readonly holds: (value: unknown) => boolean;
  /** Whether it goes without saying in {@link must} that it is a number. Default false. */
  readonly numeric?: boolean | undefined;
}

/** The kind of each option of a group. */
export type Kinds<T> = Readonly<Record<keyof T, Kind>>;

/** A number above 0 that is not infinite. */
export const positive: Kind = number("above 0", (value) => value > 0);

/** A number of 0 or more that is not infinite. */
export const notNegative: Kind = number("0 or more", (value) => value >= 0);

/** A percentage. */
export const percent: Kind = between(0, 100);

/** True or false. */
export const flag: Kind = { must: "true or false", holds: (value) => typeof value === "boolean" };

/** A text, which may be empty. */
export const text: Kind = { must: "a text", holds: (value) => typeof value === "string" };

/** A list of anything. */
export const list: Kind = { must: "a list", holds: (value) => Array.isArray(value) };

/** A list of functions. */
export const functions: Kind = {
  must: "a list of functions",
  holds: (value) => Array.isArray(value) && value.every((one) => typeof one === "function"),
};

/** A function. */
export const callable: Kind = { must: "a function", holds: (value) => typeof value === "function" };

/** Any object. */
export const object: Kind = { must: "an object", holds: (value) => typeof value === "object" && value !== null };

/** What somebody else looks at. */
export const elsewhere: Kind = { must: "anything", holds: () => true };

/** A list of codes of google.rpc.Code other than OK. */
export const codes: Kind = {
  must: "a list of codes of failures",
  holds: (value) => Array.isArray(value) && value.every((code) => whole(1, 16).holds(code)),
};

/** The same, but not an empty one. */
export const someCodes: Kind = {
  must: "a list of codes of failures, with at least one",
  holds: (value) => codes.holds(value) && Array.isArray(value) && value.length > 0,
};

/** A number within bounds that are themselves allowed. */
export function between(least: number, most: number): Kind {
  return number(`from ${least} to ${most}`, (value) => value >= least && value <= most);
}

/** An integer within bounds that are themselves allowed. */
export function whole(least: number, most: number = Infinity): Kind {
  return {
    must: most === Infinity ? `an integer of ${least} or more` : `an integer from ${least} to ${most}`,
    holds: (value) => typeof value === "number" && Number.isInteger(value) && value >= least && value <= most,
  };
}

/** A kind, or a single value besides. */
export function or(kind: Kind, besides: unknown, name: string = String(besides)): Kind {
  return { ...kind, must: `${kind.must}, or ${name}`, holds: (value) => value === besides || kind.holds(value) };
}

function number(must: string, holds: (value: number) => boolean): Kind {
  return { must, numeric: true, holds: (value) => typeof value === "number" && Number.isFinite(value) && holds(value) };
}
